-- An event of a remote system names a connection and no tenant.
CREATE INDEX credential_by_connector ON credential (connector);
