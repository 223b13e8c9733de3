//! Lines of drop-in files.

#[path = "../../crates/igos-sysroot/src/hooks/drop_in/specifiers.rs"]
#[allow(dead_code, reason = "shared with igos-sysroot, which uses all of it")]
mod specifiers;
#[path = "../../crates/igos-sysroot/src/hooks/drop_in/sysusers.rs"]
#[allow(dead_code, reason = "shared with igos-sysroot, which uses all of it")]
mod sysusers;
#[path = "../../crates/igos-sysroot/src/hooks/drop_in/tmpfiles.rs"]
#[allow(dead_code, reason = "shared with igos-sysroot, which uses all of it")]
mod tmpfiles;
#[path = "../../crates/igos-sysroot/src/hooks/drop_in/words.rs"]
#[allow(dead_code, reason = "shared with igos-sysroot, which uses all of it")]
mod words;

/// What `report.rs` of the module has, which hangs together with jobs.
mod report {
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub(super) enum Unmade {
        Elsewhere(String),
        Left(String),
        Failed(String),
    }

    impl Unmade {
        pub(super) fn why(&self) -> &str {
            match self {
                Unmade::Elsewhere(why) | Unmade::Left(why) | Unmade::Failed(why) => why,
            }
        }
    }
}

pub(crate) fn read(line: &[u8]) {
    let specifiers = specifiers::Specifiers::default();
    if let Err(why) = sysusers::parse(line, &specifiers) {
        assert!(!why.why().is_empty());
    }
    match tmpfiles::parse(line, &specifiers) {
        Ok(declared) => {
            let path = declared.path.as_bytes();
            assert!(!path.is_empty() && path[0] != b'/');
            assert!(path.split(|byte| *byte == b'/').all(|name| name != b".."));
        }
        Err(why) => assert!(!why.why().is_empty()),
    }
}
