//! What a hostile program cannot do.

use std::fs;
use std::net::TcpListener;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::{SocketAddr, UnixListener};

use igos_sandbox::{Access, Status};

use crate::harness::{Test, World, ask, own, shell};

pub(crate) const TESTS: &[Test] = &[
    (
        "read_only_layers_and_binds_cannot_be_changed",
        read_only_layers_and_binds_cannot_be_changed,
    ),
    (
        "programs_of_the_host_cannot_be_changed",
        programs_of_the_host_cannot_be_changed,
    ),
    (
        "listeners_outside_cannot_be_reached",
        listeners_outside_cannot_be_reached,
    ),
    ("rights_are_given_up", rights_are_given_up),
    (
        "known_ways_to_more_rights_are_closed",
        known_ways_to_more_rights_are_closed,
    ),
    (
        "user_namespaces_cannot_be_nested",
        user_namespaces_cannot_be_nested,
    ),
    (
        "there_is_no_controlling_terminal",
        there_is_no_controlling_terminal,
    ),
    (
        "input_cannot_be_put_into_terminals",
        input_cannot_be_put_into_terminals,
    ),
    ("setuid_programs_give_nothing", setuid_programs_give_nothing),
    (
        "proc_shows_no_other_process_and_nothing_to_change",
        proc_shows_no_other_process_and_nothing_to_change,
    ),
    (
        "first_process_cannot_be_looked_into",
        first_process_cannot_be_looked_into,
    ),
    (
        "policy_text_is_the_same_every_time",
        policy_text_is_the_same_every_time,
    ),
    ("probe_finds_all_locks", probe_finds_all_locks),
    (
        "landlock_refuses_what_mounts_would_allow",
        landlock_refuses_what_mounts_would_allow,
    ),
];

fn read_only_layers_and_binds_cannot_be_changed(world: &World) {
    let layer = world.directory("layer");
    let bound = world.directory("bound");
    world.directory("build");
    let sandbox = world
        .layers(&["layer"])
        .bind("bound", "/bound", Access::Read)
        .bind("bound/made-outside", "/single", Access::Read)
        .bind("build", "/build", Access::Write);
    let files = [layer.join("made-outside"), bound.join("made-outside")];
    let before = files.each_ref().map(|file| state(file));
    for path in ["/made-outside", "/bound/made-outside", "/single"] {
        assert_eq!(ask(&sandbox, "change", path), "", "{path}");
    }
    assert_eq!(files.each_ref().map(|file| state(file)), before);
    // The same attempts do work where they may.
    let worked = ask(&sandbox, "change", "/build/made-outside");
    assert!(
        worked.starts_with("write truncate chmod chown utimes"),
        "{worked}"
    );
}

fn state(file: &std::path::Path) -> (u64, u32, u32, i64, i64, i64, u64) {
    let metadata = fs::symlink_metadata(file).expect("it is still there");
    (
        metadata.size(),
        metadata.mode(),
        metadata.uid(),
        metadata.mtime(),
        metadata.ctime(),
        metadata.ctime_nsec(),
        metadata.nlink(),
    )
}

fn programs_of_the_host_cannot_be_changed(world: &World) {
    let before = state(std::path::Path::new("/usr/bin/env"));
    assert_eq!(ask(&world.host(), "change", "/usr/bin/env"), "");
    for device in ["null", "zero", "tty"] {
        let worked = ask(&world.host(), "change", &format!("/dev/{device}"));
        // Opening a device for writing does not change its inode.
        assert!(
            !worked.contains("ch") && !worked.contains("ut"),
            "{device}: {worked}"
        );
    }
    assert_eq!(state(std::path::Path::new("/usr/bin/env")), before);
}

fn listeners_outside_cannot_be_reached(world: &World) {
    let tcp = TcpListener::bind("127.0.0.1:0").expect("loopback exists");
    let port = tcp.local_addr().expect("it is bound").port();
    let name = format!("igos-test-{}", std::process::id());
    let address = SocketAddr::from_abstract_name(&name).expect("the name is short");
    let _listener = UnixListener::bind_addr(&address).expect("the name is free");
    let sandbox = world.host();
    for target in [format!("tcp {port}"), format!("abstract {name}")] {
        assert_eq!(
            ask(&sandbox, "connect", &target),
            "connection refused",
            "{target}"
        );
    }
    // Loopback inside is a network of its own, and works.
    let interfaces = ask(&sandbox, "read", "/proc/net/dev");
    assert_eq!(
        interfaces
            .lines()
            .filter(|line| line.contains(": "))
            .count(),
        1,
        "{interfaces}"
    );
    assert!(interfaces.contains("lo: "), "{interfaces}");
}

fn rights_are_given_up(world: &World) {
    let expected = "Uid: 0 0 0 0\nGid: 0 0 0 0\nGroups:\nCapPrm: 000000000000000b\nCapBnd: 000000000000000b\nNoNewPrivs: 1\nSeccomp: 2";
    let helper = ask(&world.host(), "identity", "");
    // Groups of an ordinary user stay, but none of them means anything inside.
    let without_groups = |text: &str| -> Vec<String> {
        text.lines()
            .filter(|line| !line.starts_with("Groups:"))
            .map(str::to_owned)
            .collect()
    };
    assert_eq!(without_groups(&helper), without_groups(expected));
    let program = shell(
        &world.host(),
        "grep -E '^(CapPrm|CapEff|CapBnd|CapInh|CapAmb)' /proc/self/status",
    );
    assert_eq!(
        program
            .printed
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" "),
        "CapInh: 0000000000000000 CapPrm: 000000000000000b CapEff: 000000000000000b CapBnd: 000000000000000b CapAmb: 0000000000000000"
    );
}

fn known_ways_to_more_rights_are_closed(world: &World) {
    assert_eq!(ask(&world.host(), "escape", ""), "");
}

fn user_namespaces_cannot_be_nested(world: &World) {
    let outcome = shell(
        &world.host(),
        "unshare --user --map-root-user true; unshare --net true",
    );
    assert_eq!(
        outcome.ended.status,
        Status::Exited(1),
        "{}",
        outcome.printed
    );
    assert_eq!(
        outcome.printed.matches("Operation not permitted").count(),
        2,
        "{}",
        outcome.printed
    );
    // Everyday threads and processes still work.
    let outcome = shell(&world.host(), "true | cat; (sleep 0 & wait); echo fine");
    assert_eq!(outcome.printed, "fine\n");
}

fn there_is_no_controlling_terminal(world: &World) {
    let outcome = shell(&world.host(), "exec 3<>/dev/tty");
    assert!(!outcome.ended.status.is_success());
    assert!(
        outcome.printed.contains("No such device or address"),
        "{}",
        outcome.printed
    );
}

fn input_cannot_be_put_into_terminals(world: &World) {
    if cfg!(not(target_arch = "x86_64")) || !std::path::Path::new("/usr/bin/perl").exists() {
        crate::traces::skipped("no /usr/bin/perl to make system calls with their x86_64 numbers");
        return;
    }
    // 16 is ioctl; the kernel looks at the low 32 bits of the command only.
    let outcome = shell(
        &world.host(),
        r#"perl -e 'open(my $t, "+<", "/dev/ptmx") or die; my $c = "x";
           for my $command (0x5412, 0x100005412, 0x541c, 0xffffffff00005412) {
               print syscall(16, fileno($t), $command, $c), " ", $! + 0, "\n"; }
           my $size = "\0" x 8; print syscall(16, fileno($t), 0x5413, $size), "\n";'"#,
    );
    assert_eq!(outcome.printed, "-1 1\n-1 1\n-1 1\n-1 1\n0\n");
}

fn setuid_programs_give_nothing(world: &World) {
    let build = world.directory("build");
    let program = build.join("program");
    fs::copy("/usr/bin/env", &program).expect("copied");
    own(&program);
    fs::set_permissions(&program, PermissionsExt::from_mode(0o6755)).expect("it is ours");
    let outcome = shell(
        &world.host(),
        "/build/program grep -E 'Uid|Cap(Prm|Eff)' /proc/self/status; grep ' /build ' /proc/self/mounts | grep -c nosuid",
    );
    let words: Vec<&str> = outcome.printed.split_whitespace().collect();
    assert_eq!(
        words,
        [
            "Uid:",
            "0",
            "0",
            "0",
            "0",
            "CapPrm:",
            "000000000000000b",
            "CapEff:",
            "000000000000000b",
            "1"
        ]
    );
}

fn proc_shows_no_other_process_and_nothing_to_change(world: &World) {
    let outcome = shell(
        &world.host(),
        "cd /proc; echo [0-9]*; for file in sys/kernel/core_pattern sys/kernel/hostname sysrq-trigger sys/net/ipv4/ip_forward; do \
         (echo 1 > $file) 2> /dev/null && echo $file; done; cat kallsyms keys timer_list kmsg 2> /dev/null | wc -c",
    );
    let lines: Vec<&str> = outcome.printed.lines().collect();
    assert_eq!(lines.len(), 2, "{}", outcome.printed);
    assert!(lines[0].starts_with("1 2"), "{}", outcome.printed);
    assert!(lines[0].split(' ').count() <= 3, "{}", outcome.printed);
    assert_eq!(lines[1].trim(), "0");
}

fn first_process_cannot_be_looked_into(world: &World) {
    let outcome = shell(
        &world.host(),
        "for what in environ mem maps exe root cwd fd/3; do (head -c1 /proc/1/$what || readlink /proc/1/$what) > /dev/null 2>&1 && echo $what; done; true",
    );
    assert_eq!(outcome.printed, "");
}

fn policy_text_is_the_same_every_time(_world: &World) {
    let text = igos_sandbox::policy_digest_text();
    assert_eq!(text, igos_sandbox::policy_digest_text());
    assert!(
        text.starts_with("igos-sandbox 1\nnamespaces=cgroup,ipc,mnt,net,pid,user,uts ids=0\n"),
        "{text}"
    );
}

fn probe_finds_all_locks(_world: &World) {
    let measures = igos_sandbox::probe().expect("this machine has all locks");
    assert_eq!(measures.confinement, igos_sandbox::Confinement::Sandbox);
    assert!(measures.landlock_abi >= 2);
    assert_eq!(measures.namespaces.len(), 7);
    assert_eq!(measures.limits.len(), 7, "{:?}", measures.limits);
}

fn landlock_refuses_what_mounts_would_allow(world: &World) {
    // /proc is writable by its mount, and this file by its mode: it is one's own.
    let outcome = shell(&world.host(), "echo x > /proc/self/comm");
    assert!(
        outcome.printed.contains("Permission denied"),
        "{}",
        outcome.printed
    );
}
