//! A report on the machine that this process runs on, and the CPUs that it may use there. Changes nothing.

use super::limits::WORKERS_VARIABLE;
use super::report::Report;

/// Variables that job schedulers and hosts of notebooks set. [`Report::hints`] returns those that are there.
const HINTS: [&str; 8] = [
    "SLURM_CPUS_PER_TASK",
    "SLURM_CPUS_ON_NODE",
    "PBS_NUM_PPN",
    "NSLOTS",
    "LSB_DJOB_NUMPROC",
    "CPU_LIMIT",
    "CPU_GUARANTEE",
    "RAYON_NUM_THREADS",
];

/// Makes a report on this machine and process. Every call reads the files of the system again.
///
/// The number of usable cores is never higher than [`std::thread::available_parallelism`].
///
/// # Examples
///
/// ```
/// let report = corebook::cpus::live();
/// for limit in report.limits() {
///     println!("limited by {limit}");
/// }
/// ```
pub fn live() -> Report {
    let parallelism = std::thread::available_parallelism().ok().map(usize::from);
    let mut report = system_report(parallelism);
    report.parallelism = parallelism;
    report.workers_cap = variable(WORKERS_VARIABLE)
        .and_then(|value| value.trim().parse().ok())
        .filter(|&cap| cap > 0);
    report.hints = HINTS
        .iter()
        .filter_map(|&name| Some((name.to_owned(), variable(name)?)))
        .collect();
    report
}

/// Returns the CPUs that workers may be pinned to: for each usable physical core the numbers of the CPUs that share it.
///
/// [`WORKERS_VARIABLE`] does not limit them.
///
/// # Examples
///
/// ```
/// use corebook::cpus;
/// assert!(cpus::usable_cores().len() >= cpus::usable());
/// ```
pub fn usable_cores() -> Vec<Vec<usize>> {
    let mut report = live();
    let cores = report.allowed_cores();
    report.workers_cap = None;
    cores.into_iter().take(report.usable()).collect()
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

#[cfg(target_os = "linux")]
fn system_report(parallelism: Option<usize>) -> Report {
    // If a sandbox hides both sysfs and procfs, only the number of allowed CPUs is known.
    super::read("/".as_ref(), affinity().as_deref())
        .unwrap_or_else(|_| Report::from_counts(None, parallelism.unwrap_or(1)))
}

#[cfg(not(target_os = "linux"))]
fn system_report(parallelism: Option<usize>) -> Report {
    let physical = sysinfo::System::physical_core_count();
    Report::from_counts(physical, parallelism.or(physical).unwrap_or(1))
}

/// Returns the CPUs that this thread may run on, ascending. `None` on systems without affinity masks.
#[cfg(target_os = "linux")]
pub fn affinity() -> Option<Vec<usize>> {
    cpus_of_mask(|mask| {
        let bytes = size_of_val(mask);
        // SAFETY: `mask` is writable for `bytes` bytes and aligned for c_ulong, which is how the kernel
        // writes a mask; cpu_set_t is an array of c_ulong, and the call writes no more than `bytes`.
        let status = unsafe { libc::sched_getaffinity(0, bytes, mask.as_mut_ptr().cast()) };
        if status == 0 {
            Ok(())
        } else {
            Err(std::io::Error::last_os_error())
        }
    })
}

/// Returns the CPUs of the mask that `read` writes. The kernel refuses a mask shorter than its own, so the mask grows
/// until it fits.
#[cfg(target_os = "linux")]
fn cpus_of_mask(read: impl Fn(&mut [libc::c_ulong]) -> std::io::Result<()>) -> Option<Vec<usize>> {
    let mut words = 16;
    while words <= 1 << 14 {
        let mut mask: Vec<libc::c_ulong> = vec![0; words];
        let Err(error) = read(&mut mask) else {
            let bits = libc::c_ulong::BITS as usize;
            let is_set = |cpu: &usize| mask[cpu / bits] >> (cpu % bits) & 1 == 1;
            return Some((0..words * bits).filter(is_set).collect());
        };
        if error.raw_os_error() != Some(libc::EINVAL) {
            return None;
        }
        words *= 2;
    }
    None
}

/// Returns the CPUs that this thread may run on, ascending. `None` on systems without affinity masks.
#[cfg(not(target_os = "linux"))]
pub fn affinity() -> Option<Vec<usize>> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usable_is_within_what_the_system_allows() {
        let report = live();
        let parallelism = std::thread::available_parallelism().unwrap().get();
        assert!((1..=parallelism).contains(&report.usable()), "{report:?}");
        assert!(report.logical() >= report.allowed().len());
    }

    /// A kernel for many CPUs.
    #[test]
    #[cfg(target_os = "linux")]
    fn mask_grows_until_the_kernel_accepts_it() {
        let bits = libc::c_ulong::BITS as usize;
        let lengths = std::cell::RefCell::new(Vec::new());
        let kernel = |least: usize, otherwise: i32| {
            lengths.borrow_mut().clear();
            let lengths = &lengths;
            move |mask: &mut [libc::c_ulong]| {
                lengths.borrow_mut().push(mask.len());
                if mask.len() < least {
                    return Err(std::io::Error::from_raw_os_error(otherwise));
                }
                mask[0] = 0b110;
                mask[least - 1] = 1 << 3;
                Ok(())
            }
        };
        let last = 63 * bits + 3;
        assert_eq!(
            cpus_of_mask(kernel(64, libc::EINVAL)),
            Some(vec![1, 2, last])
        );
        assert_eq!(*lengths.borrow(), [16, 32, 64]);
        assert!(cpus_of_mask(kernel(1 << 14, libc::EINVAL)).is_some());
        assert_eq!(cpus_of_mask(kernel(1 << 20, libc::EINVAL)), None);
        assert_eq!(lengths.borrow().last(), Some(&(1 << 14)));
        assert_eq!(cpus_of_mask(kernel(64, libc::EPERM)), None);
        assert_eq!(*lengths.borrow(), [16]);
    }
}
