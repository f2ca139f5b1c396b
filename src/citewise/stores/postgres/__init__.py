"""An index in PostgreSQL with pgvector: documents, words and vectors in one database.

``address.py`` says where, ``schema.py`` what tables, ``database.py`` connects; ``records.py``,
``words.py`` and ``vectors.py`` read; ``rows.py``, ``publishing.py`` and ``writer.py`` write;
``index.py`` is all of it as an ``Index``. psycopg is imported nowhere else.
"""
