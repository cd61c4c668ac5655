//! Facts about processes, from /proc.

/// Resident memory of these processes together, in bytes; none when one cannot be read.
pub fn resident_bytes(pids: &[u32]) -> Option<u64> {
    if pids.is_empty() {
        return None;
    }
    pids.iter().map(|pid| parse_resident(&std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?)).sum()
}

fn parse_resident(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.trim().trim_end_matches("kB").trim().parse::<u64>().ok()? * 1024)
}

/// Most files this process may open; none where that is not known.
pub fn open_file_limit() -> Option<u64> {
    parse_file_limit(&std::fs::read_to_string("/proc/self/limits").ok()?)
}

fn parse_file_limit(limits: &str) -> Option<u64> {
    limits.lines().find_map(|line| line.strip_prefix("Max open files"))?.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_kernels_tables() {
        assert_eq!(parse_resident("Name:\tx\nVmRSS:\t    2048 kB\nThreads:\t1\n"), Some(2048 * 1024));
        assert_eq!(
            parse_file_limit("Limit  Soft Hard Units\nMax open files            1024                 4096                 files\n"),
            Some(1024)
        );
        assert_eq!(resident_bytes(&[]), None);
    }

    #[test]
    fn this_process_has_some_memory() {
        assert!(resident_bytes(&[std::process::id()]).is_none_or(|bytes| bytes > 100_000));
    }
}
