"""Regular expressions for amounts, dates and names, to be put into larger ones.

All are for ``re.VERBOSE`` and hold no group of their own.
"""

from __future__ import annotations

__all__ = ["ABOUT", "COUNT", "DATE", "DAY", "LIMIT", "MONEY", "NAME", "NUMBER", "TIME", "WHOLE"]

_MONTH = "(?:January|February|March|April|May|June|July|August|September|October|November|December)"
_YEAR = r"(?:1[0-9]|20)\d\d"
_SPELLED = (
    "two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen"
    "|sixteen|seventeen|eighteen|nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety"
)
_SCALE = r"(?:\ (?:hundred|thousand|million|billion|trillion)\b)"
_DIGITS = r"(?:\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)"

DATE = (
    rf"(?:\d{{1,2}}\ {_MONTH}\ {_YEAR}|{_MONTH}(?:\ \d{{1,2}}(?!\d))?,?\ {_YEAR}"
    rf"|{_YEAR}-\d\d-\d\d|{_YEAR})(?![\w-])"
)
"""A date with its year."""
DAY = (
    r"(?:(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)days?"
    rf"|\d{{1,2}}\ {_MONTH}|{_MONTH}\ \d{{1,2}})(?!\w)"
)
"""A day of the week or of any year."""
TIME = r"(?:\d{1,2}[:.]\d\d(?:\ ?[ap]\.?m\b)?|\d{1,2}\ ?[ap]\.?m\b|noon|midnight)"
NUMBER = rf"(?:[$€£¥]\ ?)?{_DIGITS}(?:\ ?%|\ percent\b|[KMBT]\b|e\d+\b|{_SCALE})?"
"""An amount in digits."""
COUNT = rf"(?:(?!{_YEAR}\b){_DIGITS}{_SCALE}?|(?:{_SPELLED}){_SCALE}?)"
"""How many of something; no year."""
MONEY = (
    rf"(?:[$€£¥]\ ?{_DIGITS}(?:[KMBT]\b|{_SCALE})?"
    rf"|{_DIGITS}{_SCALE}?\ (?:dollars|euros|pounds|yuan)\b)"
)
LIMIT = r"(?:at\ least|at\ most|up\ to)"
ABOUT = (
    r"(?:(?:about|around|some|roughly|approximately|nearly|almost|over|exactly|only|just|more\ than"
    r"|fewer\ than|less\ than)\ )?"
)
NAME = r"[A-Z][\w.’'-]*\w(?:\ (?:of\ |the\ |de\ |van\ )?[A-Z0-9][\w.’'-]*){0,3}(?![\w-])"
WHOLE = r"(?!\w|[-–—/.,:]\d|[-–]\w|\ ?(?:to|or|and|[-–—/x×])\ ?[$€£¥]?\d)"
"""Behind a number: that it is not a part of something else, such as a range."""
