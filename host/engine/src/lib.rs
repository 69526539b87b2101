//! Cycles: read, scope, map, match, plan, guard, apply, record
