//! The memory limit of one call.
//!
//! It counts what all memories and tables of the store have together, so that a component with several
//! memories does not get several times as much. Wasmtime's own `StoreLimits` reports an excess as text;
//! this one as a type ([`OutOfMemory`]) that [`crate::fault`] can recognise.

use wasmtime::ResourceLimiter;

use crate::limits::{INSTANCES, MEMORIES, TABLE_ELEMENTS, TABLES};

/// A component wanted more memory than it may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{wanted} bytes of memory were wanted, {limit} are allowed")]
pub(crate) struct OutOfMemory {
    pub(crate) wanted: usize,
    pub(crate) limit: usize,
}

/// Counts the linear memory of one store.
#[derive(Debug)]
pub(crate) struct MemoryLimit {
    limit: usize,
    used: usize,
    /// What the last permitted growth added, to take back if it fails after all.
    last: usize,
}

impl MemoryLimit {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            limit,
            used: 0,
            last: 0,
        }
    }
}

impl ResourceLimiter for MemoryLimit {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        if maximum.is_some_and(|maximum| desired > maximum) && desired <= self.limit {
            // The component's own maximum: for the component to handle, as the specification says.
            self.last = 0;
            return Ok(false);
        }
        let more = desired.saturating_sub(current);
        let wanted = self.used.saturating_add(more);
        if wanted > self.limit {
            return Err(OutOfMemory {
                wanted,
                limit: self.limit,
            }
            .into());
        }
        self.used = wanted;
        self.last = more;
        Ok(true)
    }

    fn memory_grow_failed(&mut self, _: wasmtime::Error) -> wasmtime::Result<()> {
        self.used = self.used.saturating_sub(std::mem::take(&mut self.last));
        Ok(())
    }

    fn table_growing(
        &mut self,
        _: usize,
        desired: usize,
        _: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(desired <= TABLE_ELEMENTS)
    }

    fn instances(&self) -> usize {
        INSTANCES as usize
    }

    fn tables(&self) -> usize {
        TABLES as usize
    }

    fn memories(&self) -> usize {
        MEMORIES as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_memories_share_one_limit() {
        let mut limit = MemoryLimit::new(100);
        assert!(limit.memory_growing(0, 60, None).unwrap());
        let error = limit.memory_growing(0, 60, None).unwrap_err();
        assert_eq!(
            error.downcast_ref::<OutOfMemory>(),
            Some(&OutOfMemory {
                wanted: 120,
                limit: 100
            })
        );
        assert!(limit.memory_growing(0, 40, None).unwrap());
    }

    #[test]
    fn a_growth_that_failed_is_taken_back_once() {
        let mut limit = MemoryLimit::new(100);
        assert!(limit.memory_growing(0, 60, None).unwrap());
        assert!(limit.memory_growing(60, 90, None).unwrap());
        limit
            .memory_grow_failed(wasmtime::Error::msg("no memory"))
            .unwrap();
        limit
            .memory_grow_failed(wasmtime::Error::msg("no memory"))
            .unwrap();
        assert!(limit.memory_growing(60, 100, None).unwrap());
        assert!(limit.memory_growing(100, 101, None).is_err());
    }

    #[test]
    fn the_component_s_own_maximum_is_no_fault() {
        let mut limit = MemoryLimit::new(100);
        assert!(!limit.memory_growing(10, 50, Some(40)).unwrap());
    }
}
