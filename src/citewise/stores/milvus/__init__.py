"""An index whose vectors are in Milvus, and everything else in the database of its folder.

``address.py`` says where, ``client.py`` and ``file.py`` connect, and only they import pymilvus and
Milvus Lite; ``marker.py`` tells what keeps the two engines in step, ``rows.py`` what Milvus should
hold; ``filing.py`` writes it, ``search.py`` reads it, ``vectors.py`` is both as ``KeptVectors``.
"""
