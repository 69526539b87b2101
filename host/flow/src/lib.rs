//! Flow files: parse, check, evaluate, map
