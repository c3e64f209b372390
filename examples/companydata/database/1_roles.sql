-- The four roles. An administrator runs this, connected to any database of the server; run it as often as you like.
-- Passwords are set by whoever runs it (see README.md), never here.
DO $$
DECLARE
    role text;
    found pg_roles;
    membership record;
BEGIN
    FOREACH role IN ARRAY ARRAY['de_user', 'ds_user', 'analyst', 'app_user'] LOOP
        SELECT * INTO found FROM pg_roles WHERE rolname = role;
        IF found.rolsuper THEN
            RAISE EXCEPTION 'role % exists and is a superuser: expected one without privileges of its own', role;
        ELSIF found.rolname IS NULL THEN
            EXECUTE format('CREATE ROLE %I', role);
        END IF;
        EXECUTE format('ALTER ROLE %I LOGIN NOCREATEDB NOCREATEROLE', role);
        -- Only where it is needed: some versions refuse even these words to an administrator who is no superuser.
        IF found.rolreplication THEN
            EXECUTE format('ALTER ROLE %I NOREPLICATION', role);
        END IF;
        IF found.rolbypassrls THEN
            EXECUTE format('ALTER ROLE %I NOBYPASSRLS', role);
        END IF;
        -- A member of another role may do what that role may.
        FOR membership IN
            SELECT roleid::regrole AS of_role, grantor::regrole AS grantor
            FROM pg_auth_members WHERE member = role::regrole
        LOOP
            EXECUTE format('REVOKE %s FROM %I GRANTED BY %s CASCADE', membership.of_role, role, membership.grantor);
        END LOOP;
    END LOOP;
    -- An administrator who is no superuser, as on managed servers, needs to be a member to make tables for a role.
    IF NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN
        EXECUTE format('GRANT de_user TO %I', current_user);
    END IF;
END
$$;
