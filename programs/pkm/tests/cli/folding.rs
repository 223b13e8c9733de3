//! Roots on a disk that takes `Foo` and `foo`, and both ways to write `é`, for one name (E10): ext4 with `casefold`,
//! under a kernel that has it, in a machine of QEMU's.

use crate::machine::{Tools, kernel, machine};
use crate::world::TestPackage;

/// How the first process begins: `/folding` is a directory whose names are folded; what is made in it inherits that.
const BEGINNING: &str = r#"#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin
mount -t devtmpfs none /dev
mount -t proc none /proc
stty -F /dev/ttyS1 raw
exec > /dev/ttyS1 2>&1 < /dev/null
for module in libcrc32c xfs; do [ ! -e /$module.ko ] || insmod /$module.ko; done
mount -t xfs /dev/nvme1n1 /ascii 2> /dev/null || echo "no XFS"
# Begins a case whose root folds every name.
whole() { root=/folding/$1; mkdir $root; echo "@@ $1"; }
# Begins a case whose root folds the names in `usr/share` alone.
part() { root=/plain/$1; mkdir -p $root/usr /folding/$1; mv /folding/$1 $root/usr/share; echo "@@ $1"; }
# Begins a case whose root folds the letters of ASCII, on a disk that has no flag for it.
ascii() { root=/ascii/$1; mkdir $root; echo "@@ $1"; }
on_root() { pkm --root $root --yes --quiet --color never "$@" || echo "exit $?"; }
install() { (cd /archives && on_root install --allow-unsigned $(printf '%s.igos.tar.zst ' "$@")); }
overwrite() { on_root install --allow-unsigned --overwrite-unowned /archives/$1.igos.tar.zst; }
adopt() { on_root adopt --allow-unsigned /archives/$1.igos.tar.zst; }
remove() { on_root remove "$@"; }
rename() { mv "$root/$1" $root/name && mv $root/name "$root/$2"; }
# What every case ends with: all files but those of the record, and whether record and disk agree.
state() {
    (cd $root && find . -path ./var -prune -o -type f -print | sort | while read -r one; do echo "$one: $(cat "$one")"; done)
    pkm --root $root verify --extra > /tmp/said 2>&1 && pkm --root $root db check >> /tmp/said 2>&1 && echo clean || cat /tmp/said
}
"#;

/// What a case does and what it prints before the state; `{taken}` is the refusal of a plan, `{coming}` that of two names
/// that come together.
struct Case {
    begin: &'static str,
    name: &'static str,
    script: &'static str,
    said: &'static str,
}

const fn case(
    begin: &'static str,
    name: &'static str,
    script: &'static str,
    said: &'static str,
) -> Case {
    Case {
        begin,
        name,
        script,
        said,
    }
}

const TAKEN: &str = "error[conflicts]: the packages cannot be installed: 1 conflicts\nerror[file-name-folded]: cannot install ";
const COMING: &str = "error[pre-flight-refused]: the transaction cannot begin: 1 paths cannot be changed\nerror[file-name-folded]: ";

const CASES: &[Case] = &[
    case(
        "whole",
        "two-names-in-one-package",
        "install base; install twice",
        "installed base 1-1\n{coming}the disk takes usr/share/foo and usr/share/Foo for one name\nexit 1\n\
         ./usr/share/plain: plain\nclean\n",
    ),
    case(
        "whole",
        "two-names-in-a-new-directory",
        "install twice-new",
        "{coming}the disk takes usr/share/new/foo and usr/share/new/Foo for one name\nexit 1\nclean\n",
    ),
    case(
        "part",
        "two-names-in-a-part",
        "install twice",
        "{coming}the disk takes usr/share/foo and usr/share/Foo for one name\nexit 1\nclean\n",
    ),
    // Staged where names are not folded, the new directory does not fold them either.
    case(
        "part",
        "two-names-in-a-new-directory-of-a-part",
        "install twice-new",
        "installed twice 1-1\n./usr/share/new/Foo: one\n./usr/share/new/foo: two\nclean\n",
    ),
    case(
        "whole",
        "two-names-in-two-packages",
        "install base upper lower-other",
        "{coming}the disk takes usr/share/foo and usr/share/Foo for one name\nexit 1\nclean\n",
    ),
    case(
        "whole",
        "two-directories-in-two-packages",
        "install doc-upper doc-lower",
        "{coming}the disk takes usr/doc and usr/Doc for one name\nexit 1\nclean\n",
    ),
    case(
        "whole",
        "other-content",
        "install upper; install lower-other; overwrite lower-other",
        "installed upper 1-1\n\
         {taken}lower: the disk takes usr/share/foo and usr/share/Foo for one name\n  \
         hint: remove it first: `pkm remove upper`\nexit 1\n\
         {taken}lower: the disk takes usr/share/foo and usr/share/Foo for one name\n  \
         hint: remove it first: `pkm remove upper`\nexit 1\n\
         ./usr/share/Foo: one\nclean\n",
    ),
    case(
        "whole",
        "same-content",
        "install upper; install lower-same; adopt lower-same; remove upper; install lower-same",
        "installed upper 1-1\n\
         {taken}lower: the disk takes usr/share/foo and usr/share/Foo for one name\n  \
         hint: remove it first: `pkm remove upper`\nexit 1\n\
         {taken}lower: the disk takes usr/share/foo and usr/share/Foo for one name\n  \
         hint: remove it first: `pkm remove upper`\nexit 1\n\
         removed upper 1-1\ninstalled lower 1-1\n./usr/share/foo: one\nclean\n",
    ),
    case(
        "part",
        "same-content-in-a-part",
        "install upper; install lower-same",
        "installed upper 1-1\n\
         {taken}lower: the disk takes usr/share/foo and usr/share/Foo for one name\n  \
         hint: remove it first: `pkm remove upper`\nexit 1\n\
         ./usr/share/Foo: one\nclean\n",
    ),
    case(
        "whole",
        "what-nobody-owns",
        "mkdir $root/Usr; install upper; rmdir $root/Usr; install upper",
        "{taken}upper: the disk takes usr and Usr for one name\n  hint: move Usr away\nexit 1\n\
         installed upper 1-1\n./usr/share/Foo: one\nclean\n",
    ),
    // A package that has the file by its old name would take it along.
    case(
        "whole",
        "renamed-by-hand",
        "install upper; rename usr/share/Foo usr/share/foo; install lower-same; rename usr/share/foo usr/share/Foo",
        "installed upper 1-1\n\
         {taken}lower: the disk takes usr/share/foo and usr/share/Foo for one name\n  \
         hint: remove it first: `pkm remove upper`\nexit 1\n\
         ./usr/share/Foo: one\nclean\n",
    ),
    case(
        "whole",
        "upgrade-renames",
        "install rename-1; install rename-2; overwrite rename-2; install rename-3",
        "installed rename 1-1\n\
         {taken}rename: the disk takes usr/share/foo and usr/share/Foo for one name\n  \
         hint: remove it first: `pkm remove rename`\nexit 1\n\
         {taken}rename: the disk takes usr/share/foo and usr/share/Foo for one name\n  \
         hint: remove it first: `pkm remove rename`\nexit 1\n\
         {taken}rename: the disk takes usr/share/foo and usr/share/Foo for one name\n  \
         hint: remove it first: `pkm remove rename`\nexit 1\n\
         ./usr/share/Foo: one\nclean\n",
    ),
    case(
        "whole",
        "removed-before-the-upgrade",
        "install rename-1; remove rename; install rename-2; install rename-4",
        "installed rename 1-1\nremoved rename 1-1\ninstalled rename 2-1\nupgraded rename 4-1 from 2-1\n\
         ./usr/share/foo: four\nclean\n",
    ),
    case(
        "whole",
        "upgrade-brings-a-second-name",
        "install twice-0; install twice",
        "installed twice 0-1\n\
         {taken}twice: the disk takes usr/share/Foo and usr/share/foo for one name\n  \
         hint: remove it first: `pkm remove twice`\nexit 1\n\
         ./usr/share/foo: one\nclean\n",
    ),
    case(
        "whole",
        "upgrade-renames-a-directory",
        "install docs-1; install docs-2",
        "installed docs 1-1\n\
         {taken}docs: the disk takes usr/doc and usr/Doc for one name\n  \
         hint: remove it first: `pkm remove docs`\nexit 1\n\
         ./usr/Doc/a: one\n./usr/Doc/b: two\nclean\n",
    ),
    case(
        "whole",
        "directories",
        "install doc-upper; install doc-lower",
        "installed doc-upper 1-1\n\
         {taken}doc-lower: the disk takes usr/doc and usr/Doc for one name\n  \
         hint: remove it first: `pkm remove doc-upper`\nexit 1\n\
         ./usr/Doc/upper: one\nclean\n",
    ),
    case(
        "whole",
        "accents",
        "install composed; install decomposed; remove composed; install composed decomposed",
        "installed composed 1-1\n\
         {taken}decomposed: the disk takes usr/share/e\\xcc\\x81 and usr/share/\\xc3\\xa9 for one name\n  \
         hint: remove it first: `pkm remove composed`\nexit 1\n\
         removed composed 1-1\n\
         {coming}the disk takes usr/share/\\xc3\\xa9 and usr/share/e\\xcc\\x81 for one name\nexit 1\nclean\n",
    ),
    case(
        "whole",
        "configuration",
        "install conf-upper; echo 'a = 3' > $root/etc/Foo.conf; install conf-lower; echo 'a = 1' > $root/etc/Foo.conf",
        "installed conf-upper 1-1\n\
         {taken}conf-lower: the disk takes etc/foo.conf and etc/Foo.conf for one name\n  \
         hint: remove it first: `pkm remove conf-upper`\nexit 1\n\
         ./etc/Foo.conf: a = 1\nclean\n",
    ),
    case(
        "whole",
        "names-of-packages",
        "install named-upper named-lower; install named-upper; install named-lower; adopt named-lower",
        "{coming}the disk takes var/lib/igos/packages/named and var/lib/igos/packages/Named for one name\nexit 1\n\
         installed Named 1-1\n\
         {taken}named: the disk takes var/lib/igos/packages/named and var/lib/igos/packages/Named for one name\n  \
         hint: remove it first: `pkm remove Named`\nexit 1\n\
         {taken}named: the disk takes var/lib/igos/packages/named and var/lib/igos/packages/Named for one name\n  \
         hint: remove it first: `pkm remove Named`\nexit 1\n\
         ./usr/share/one: one\nclean\n",
    ),
    case(
        "ascii",
        "without-a-flag",
        "install base; install twice; install upper; install lower-same; install composed decomposed",
        "installed base 1-1\n\
         error[file-name-folded]: the disk takes usr/share/foo and usr/share/Foo for one name; everything was taken back\n\
         exit 1\n\
         installed upper 1-1\n\
         {taken}lower: the disk takes usr/share/foo and usr/share/Foo for one name\n  \
         hint: remove it first: `pkm remove upper`\nexit 1\n\
         installed composed 1-1\ninstalled decomposed 1-1\n\
         ./usr/share/Foo: one\n./usr/share/e\u{301}: one\n./usr/share/plain: plain\n./usr/share/\u{e9}: one\nclean\n",
    ),
];

#[expect(clippy::print_stdout, reason = "a skipped test says so")]
fn skipped(reason: &str) {
    println!("skipped: {reason}");
}

fn archives() -> Vec<(&'static str, TestPackage)> {
    let files = |name, version, files: &[(&str, &str)]| {
        let package = TestPackage::new(name, version);
        files.iter().fold(package, |package, (path, content)| {
            package.file(path, content, 0o644)
        })
    };
    let configuration =
        |name, path, content| TestPackage::new(name, "1").configuration(path, content);
    let (upper, lower) = ("usr/share/Foo", "usr/share/foo");
    vec![
        ("base", files("base", "1", &[("usr/share/plain", "plain")])),
        (
            "twice",
            files("twice", "1", &[(upper, "one"), (lower, "two")]),
        ),
        ("twice-0", files("twice", "0", &[(lower, "one")])),
        (
            "twice-new",
            files(
                "twice",
                "1",
                &[("usr/share/new/Foo", "one"), ("usr/share/new/foo", "two")],
            ),
        ),
        ("upper", files("upper", "1", &[(upper, "one")])),
        ("lower-same", files("lower", "1", &[(lower, "one")])),
        ("lower-other", files("lower", "1", &[(lower, "two")])),
        ("rename-1", files("rename", "1", &[(upper, "one")])),
        ("rename-2", files("rename", "2", &[(lower, "one")])),
        ("rename-3", files("rename", "3", &[(lower, "three")])),
        ("rename-4", files("rename", "4", &[(lower, "four")])),
        (
            "composed",
            files("composed", "1", &[("usr/share/\u{e9}", "one")]),
        ),
        (
            "decomposed",
            files("decomposed", "1", &[("usr/share/e\u{301}", "one")]),
        ),
        (
            "doc-upper",
            files("doc-upper", "1", &[("usr/Doc/upper", "one")]),
        ),
        (
            "doc-lower",
            files("doc-lower", "1", &[("usr/doc/lower", "two")]),
        ),
        (
            "docs-1",
            files("docs", "1", &[("usr/Doc/a", "one"), ("usr/Doc/b", "two")]),
        ),
        (
            "docs-2",
            files("docs", "2", &[("usr/doc/a", "one"), ("usr/doc/b", "other")]),
        ),
        (
            "conf-upper",
            configuration("conf-upper", "etc/Foo.conf", "a = 1\n"),
        ),
        (
            "conf-lower",
            configuration("conf-lower", "etc/foo.conf", "a = 2\n"),
        ),
        (
            "named-upper",
            files("Named", "1", &[("usr/share/one", "one")]),
        ),
        (
            "named-lower",
            files("named", "1", &[("usr/share/two", "two")]),
        ),
    ]
}

#[test]
#[ignore = "starts a machine, which takes a minute"]
fn names_that_a_real_disk_takes_for_one_are_refused_before_anything_changes() {
    let (kernel, tools) = match (kernel(), Tools::find()) {
        (Ok(kernel), Ok(tools)) => (kernel, tools),
        (Err(reason), _) | (_, Err(reason)) => return skipped(&reason),
    };
    let script: String = CASES
        .iter()
        .map(|case| format!("{} {}; {}; state\n", case.begin, case.name, case.script))
        .collect();
    let first = format!("{BEGINNING}{script}sync\npoweroff -f\n");
    let said = machine(&kernel, &tools, &archives(), &first);
    let mut said = said.split("@@ ");
    let has_xfs = !said
        .next()
        .expect("a text has a first part")
        .contains("no XFS");
    let mut wrong = Vec::new();
    for (case, said) in CASES.iter().zip(said.by_ref()) {
        let expected = case
            .said
            .replace("{taken}", TAKEN)
            .replace("{coming}", COMING);
        let expected = format!("{}\n{expected}", case.name);
        if case.begin == "ascii" && !has_xfs {
            skipped("the kernel has no XFS: no disk without a flag for folding was tried");
        } else if said != expected {
            wrong.push(format!("expected: {expected}said: {said}"));
        }
    }
    assert_eq!(said.next(), None, "every case was tried, and nothing else");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
