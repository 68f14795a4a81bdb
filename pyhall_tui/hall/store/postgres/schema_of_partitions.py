"""The decision log in partitions over ranges of `seq`, so that its oldest part can be dropped."""


def step() -> str:
    """Since this version: the log so far is the first partition, and the only one until it is full.

    Its bounds hold for every row, so none is read, however long the log is. Decisions wait meanwhile.
    """
    return """
SELECT 1 FROM head FOR UPDATE;
ALTER TABLE decisions RENAME TO decisions_1;
ALTER INDEX decisions_pkey RENAME TO decisions_1_pkey;
ALTER INDEX decisions_of RENAME TO decisions_1_of;
ALTER INDEX decisions_since RENAME TO decisions_1_since;
CREATE TABLE decisions (LIKE decisions_1) PARTITION BY RANGE (seq);
ALTER TABLE decisions ADD PRIMARY KEY (seq);
CREATE INDEX decisions_of ON decisions (namespace, seq);
CREATE INDEX decisions_since ON decisions (decided_at, namespace, outcome);
ALTER TABLE decisions ATTACH PARTITION decisions_1 FOR VALUES FROM (MINVALUE) TO (MAXVALUE);
"""
