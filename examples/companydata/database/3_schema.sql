-- Who may enter. Run by an administrator in companydata, as often as you like.
-- By default everybody may connect to a new database and make temporary tables in it, and, before PostgreSQL 15, make
-- tables in the schema public.
REVOKE ALL ON DATABASE companydata FROM PUBLIC;
GRANT CONNECT ON DATABASE companydata TO de_user, ds_user, analyst, app_user;

REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE, CREATE ON SCHEMA public TO de_user;
GRANT USAGE ON SCHEMA public TO ds_user, analyst, app_user;
