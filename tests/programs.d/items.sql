-- Real work for sqlite3: ROWS is replaced by how many there are to be.
PRAGMA cache_size = 200;
CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT, kind INTEGER, price REAL);
BEGIN;
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ROWS)
INSERT INTO item SELECT i, 'item ' || (i * 7919 % 100003), i % 97, i * 0.25 FROM n;
COMMIT;
CREATE INDEX item_name ON item (name);
CREATE INDEX item_kind ON item (kind, price);
CREATE TABLE kind (id INTEGER PRIMARY KEY, title TEXT);
INSERT INTO kind SELECT DISTINCT kind, 'kind ' || kind FROM item;
SELECT title, count(*), sum(price), min(name), max(name) FROM item JOIN kind ON kind.id = item.kind GROUP BY title
    ORDER BY title;
SELECT a.id, b.id FROM item a JOIN item b ON b.name = a.name AND b.id > a.id ORDER BY 1, 2 LIMIT 20;
SELECT name, length(group_concat(id)) FROM item WHERE name LIKE 'item 12%' GROUP BY substr(name, 1, 8) ORDER BY name;
DELETE FROM item WHERE kind % 3 = 0;
UPDATE item SET name = name || ' ' || hex(zeroblob(id % 40)) WHERE kind % 5 = 0;
VACUUM;
SELECT count(*), sum(length(name)) FROM item;
PRAGMA integrity_check;
