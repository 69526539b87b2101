//! A reteach academy as a target of people
