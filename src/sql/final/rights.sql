-- After every migration.
SELECT restrict_installation(), apply_role_rights();
