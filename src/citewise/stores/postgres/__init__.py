"""An index in PostgreSQL with pgvector: documents, words and vectors in one database.

``address.py`` says where, ``schema.py`` what tables, ``database.py`` connects. ``records.py``,
``words.py`` with ``bm25.py``, and ``vectors.py`` read; ``writer.py`` prepares with ``staged.py``
and publishes with ``publishing.py``; ``check.py`` proves, ``mending.py`` mends. ``index.py`` is
all of it as an ``Index``.
"""
