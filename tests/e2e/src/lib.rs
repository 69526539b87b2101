//! The product driven from outside
