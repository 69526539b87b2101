//! Matricula as a library, and its command line
