//! How much memory is free, and how to return some to the system.

use sysinfo::{MemoryRefreshKind, Pid, ProcessRefreshKind, ProcessesToUpdate, System};

/// Returns freed memory to the system. While rust-analyzer reads the standard library, it frees about as much as it
/// keeps, in small pieces that glibc does not return by itself. Takes about 50 ms.
pub fn give_back() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: may be called at any time from any thread; it takes the allocator's own locks.
    unsafe {
        nix::libc::malloc_trim(0);
    }
}

/// The free memory of the machine or, if that is less, of this process's control group.
pub fn free_bytes() -> Option<u64> {
    let mut system = System::new().ok()?;
    system.refresh_memory_specifics(MemoryRefreshKind::nothing().with_ram());
    let own = Pid::from_u32(std::process::id());
    let kind = ProcessRefreshKind::nothing().without_tasks();
    system.refresh_processes_specifics(ProcessesToUpdate::Some(&[own]), false, kind);
    let limits = system
        .process(own)
        .and_then(|process| process.cgroup_limits());
    let allowed = limits.map_or(u64::MAX, |limits| limits.free_memory);
    Some(system.available_memory().min(allowed))
}
