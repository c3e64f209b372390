-- The four roles. An administrator runs this, connected to any database of the server; run it as often as you like.
-- Passwords are set by whoever runs it (see README.md), never here.
DO $$
DECLARE
    role text;
    is_superuser boolean;
BEGIN
    FOREACH role IN ARRAY ARRAY['de_user', 'ds_user', 'analyst', 'app_user'] LOOP
        SELECT rolsuper INTO is_superuser FROM pg_roles WHERE rolname = role;
        IF is_superuser THEN
            RAISE EXCEPTION 'role % exists and is a superuser: expected one without privileges of its own', role;
        ELSIF is_superuser IS NULL THEN
            EXECUTE format('CREATE ROLE %I', role);
        END IF;
        EXECUTE format('ALTER ROLE %I LOGIN NOCREATEDB NOCREATEROLE', role);
    END LOOP;
    -- An administrator who is no superuser, as on managed servers, needs to be a member to make tables for a role.
    IF NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN
        EXECUTE format('GRANT de_user TO %I', current_user);
    END IF;
END
$$;
