UPDATE post SET title = upper(title); CREATE TABLE loud (id INTEGER PRIMARY KEY);
