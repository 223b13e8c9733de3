//! smoke
use igos_sandbox::*;
use std::collections::BTreeMap;
fn list(input: &[u8]) -> Result<Vec<u8>, String> {
    let path = std::str::from_utf8(input).unwrap();
    let mut out = String::new();
    for e in std::fs::read_dir(path).map_err(|e| e.to_string())? {
        out.push_str(&format!("{:?} ", e.unwrap().file_name()));
    }
    println!(
        "hello from helper uid {}",
        rustix::process::getuid().as_raw()
    );
    Ok(out.into_bytes())
}
fn main() {
    init_if_child(&[("list", list)]);
    let t = std::time::Instant::now();
    let mut show = |b: &[u8]| print!("{}", String::from_utf8_lossy(b));
    let base = std::env::args().nth(1).unwrap_or("/tmp".into());
    let r = run(
        &Sandbox::new(&base, RootView::Host),
        &Work::Helper {
            name: "list".into(),
            input: b"/".to_vec(),
        },
        &mut show,
    );
    println!(
        "{:?}",
        r.map(|e| (
            e.status,
            String::from_utf8_lossy(&e.helper_output).into_owned(),
            e.usage
        ))
    );
    let sh = std::env::args().nth(2).unwrap_or("id; ls -la / /dev /proc/self/fd; cat /proc/self/status | grep -E 'Cap|Seccomp|NoNew'; ip a; env; pwd; mount | head -50; ulimit -a".into());
    let r = run(
        &Sandbox::new(&base, RootView::Host),
        &Work::Program {
            argv: vec!["/bin/sh".into(), "-c".into(), sh.into()],
            env: BTreeMap::from([("PATH".into(), "/usr/bin:/bin".into())]),
            cwd: "/".into(),
        },
        &mut show,
    );
    println!("{:?} {:?}", r, t.elapsed());
}
