-- Who may enter. Run by an administrator in companydata, as often as you like, in one transaction with the files 4 and
-- 5: so nobody meets a moment between REVOKE and GRANT, or a table without its privileges.
-- By default everybody may connect to a new database and make temporary tables in it, and, before PostgreSQL 15, make
-- tables in the schema public.
REVOKE ALL ON DATABASE companydata FROM PUBLIC, ds_user, analyst, app_user CASCADE;
GRANT CONNECT ON DATABASE companydata TO de_user, ds_user, analyst, app_user;

REVOKE ALL ON SCHEMA public FROM PUBLIC, ds_user, analyst, app_user CASCADE;
GRANT USAGE, CREATE ON SCHEMA public TO de_user;
GRANT USAGE ON SCHEMA public TO ds_user, analyst, app_user;
