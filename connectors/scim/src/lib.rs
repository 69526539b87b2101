//! A SCIM 2.0 client for connectors
