//! Giving memory back to the system.

/// Gives back what was freed. rust-analyzer frees about as much as it keeps while it reads the standard library,
/// in small pieces that glibc does not return by itself. Takes some 50 ms.
pub fn give_back() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: may be called at any time from any thread; it takes the allocator's own locks.
    unsafe {
        nix::libc::malloc_trim(0);
    }
}
