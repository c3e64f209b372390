-- The database, owned by the data engineers. PostgreSQL makes none inside a transaction, and knows no IF NOT EXISTS
-- here: skip this file where the database is there already. psql says "already exists" and goes on.
CREATE DATABASE companydata OWNER de_user TEMPLATE template0 ENCODING 'UTF8';
