//! Faithful fakes of the remote systems, with faults on demand
