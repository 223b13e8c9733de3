//! The triggers that need no package to declare them: a table, explained in `docs/formats/hooks.md`.

/// A trigger of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BuiltIn {
    /// Its name.
    pub name: &'static str,
    /// Patterns of the paths that it is about.
    pub paths: &'static [&'static str],
    /// The program, searched in the directories of programs of the root; without it the trigger is not run.
    pub program: &'static str,
    /// The arguments; `{}` stands for what [`BuiltIn::each`] finds.
    pub arguments: &'static [&'static str],
    /// Whether it runs once, or once for each directory of which something changed.
    pub each: Each,
    /// Whether programs of packages need it before they can run.
    pub order: Order,
}

/// How often a trigger of ours runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Each {
    /// Once.
    Once,
    /// Once for each different component of this number, counted from 0, of the paths that changed.
    Component(usize),
}

/// When a trigger of ours runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Before the hooks of packages.
    First,
    /// After the triggers that packages declare.
    Last,
}

/// Where programs are in a root, in the order in which they are searched; also `PATH` of hooks.
pub(crate) const PROGRAM_DIRECTORIES: [&str; 4] = ["usr/bin", "usr/sbin", "bin", "sbin"];

/// Name of the trigger that talks to the service manager, which is possible on the running system alone.
pub(crate) const DAEMON_RELOAD: &str = "systemd-reload";

/// Our triggers, in the order in which they run.
pub const BUILT_IN: &[BuiltIn] = &[
    BuiltIn {
        name: "ldconfig",
        paths: &[
            "etc/ld.so.conf",
            "etc/ld.so.conf.d/*",
            "lib/*.so*",
            "lib/*/*.so*",
            "lib32/*.so*",
            "lib64/*.so*",
            "usr/lib/*.so*",
            "usr/lib/*/*.so*",
            "usr/lib32/*.so*",
            "usr/lib64/*.so*",
            "usr/local/lib/*.so*",
        ],
        program: "ldconfig",
        arguments: &[],
        each: Each::Once,
        order: Order::First,
    },
    BuiltIn {
        name: "depmod",
        paths: &["usr/lib/modules/*/**"],
        program: "depmod",
        arguments: &["{}"],
        each: Each::Component(3),
        order: Order::Last,
    },
    BuiltIn {
        name: "depmod",
        paths: &["lib/modules/*/**"],
        program: "depmod",
        arguments: &["{}"],
        each: Each::Component(2),
        order: Order::Last,
    },
    BuiltIn {
        name: "ca-certificates",
        paths: &[
            "etc/ca-certificates.conf",
            "usr/local/share/ca-certificates/**",
            "usr/share/ca-certificates/**",
        ],
        program: "update-ca-certificates",
        arguments: &[],
        each: Each::Once,
        order: Order::Last,
    },
    BuiltIn {
        name: "ca-trust",
        paths: &[
            "etc/ca-certificates/**",
            "etc/pki/ca-trust/**",
            "usr/share/ca-certificates/trust-source/**",
            "usr/share/pki/ca-trust-source/**",
        ],
        program: "update-ca-trust",
        arguments: &[],
        each: Each::Once,
        order: Order::Last,
    },
    BuiltIn {
        name: "gdk-pixbuf-loaders",
        paths: &["usr/lib/gdk-pixbuf-2.0/*/loaders/*.so"],
        program: "gdk-pixbuf-query-loaders",
        arguments: &["--update-cache"],
        each: Each::Once,
        order: Order::Last,
    },
    BuiltIn {
        name: "gio-modules",
        paths: &["usr/lib/gio/modules/*.so"],
        program: "gio-querymodules",
        arguments: &["/usr/lib/gio/modules"],
        each: Each::Once,
        order: Order::Last,
    },
    BuiltIn {
        name: "glib-schemas",
        paths: &["usr/share/glib-2.0/schemas/*"],
        program: "glib-compile-schemas",
        arguments: &["/usr/share/glib-2.0/schemas"],
        each: Each::Once,
        order: Order::Last,
    },
    BuiltIn {
        name: "mime-database",
        paths: &["usr/share/mime/packages/*"],
        program: "update-mime-database",
        arguments: &["/usr/share/mime"],
        each: Each::Once,
        order: Order::Last,
    },
    BuiltIn {
        name: "desktop-database",
        paths: &["usr/share/applications/**"],
        program: "update-desktop-database",
        arguments: &["-q", "/usr/share/applications"],
        each: Each::Once,
        order: Order::Last,
    },
    BuiltIn {
        name: "icon-cache",
        paths: &["usr/share/icons/*/**"],
        program: "gtk-update-icon-cache",
        arguments: &["-q", "-t", "-f", "/usr/share/icons/{}"],
        each: Each::Component(3),
        order: Order::Last,
    },
    BuiltIn {
        name: "font-cache",
        paths: &["etc/fonts/**", "usr/share/fonts/**"],
        program: "fc-cache",
        arguments: &["-s"],
        each: Each::Once,
        order: Order::Last,
    },
    BuiltIn {
        name: DAEMON_RELOAD,
        paths: &[
            "etc/systemd/system/**",
            "lib/systemd/system/**",
            "usr/lib/systemd/system/**",
        ],
        program: "systemctl",
        arguments: &["daemon-reload"],
        each: Each::Once,
        order: Order::Last,
    },
];

/// Returns the command of our table that `asked` is, for a trigger of this name; a journal chooses among ours alone.
pub(super) fn command(name: &str, asked: &[String]) -> Option<Vec<String>> {
    let named = BUILT_IN.iter().filter(|trigger| trigger.name == name);
    named
        .flat_map(|trigger| trigger.like(asked))
        .find(|ours| ours == asked)
}

impl BuiltIn {
    /// Returns the commands for what stands in `asked` where [`BuiltIn::each`] has its place.
    fn like(&self, asked: &[String]) -> Vec<Vec<String>> {
        let each = match self.each {
            Each::Once => Some(""),
            Each::Component(_) => self
                .arguments
                .iter()
                .zip(asked.iter().skip(1))
                .find_map(|(ours, asked)| {
                    let (before, after) = ours.split_once("{}")?;
                    asked.strip_prefix(before)?.strip_suffix(after)
                })
                .filter(|each| !each.starts_with('-') && !each.contains('/'))
                .filter(|each| !["", ".", ".."].contains(each)),
        };
        let Some(each) = each else {
            return Vec::new();
        };
        let arguments = self.arguments.iter().map(|one| one.replace("{}", each));
        let arguments: Vec<String> = arguments.collect();
        PROGRAM_DIRECTORIES
            .iter()
            .map(|directory| {
                let program = format!("/{directory}/{}", self.program);
                [vec![program], arguments.clone()].concat()
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use igos_format::PathPattern;

    use super::{BUILT_IN, Each, command};

    #[test]
    fn journal_chooses_among_the_commands_of_the_table_alone() {
        let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        for (name, run) in [
            ("systemd-reload", "/usr/bin/systemctl daemon-reload"),
            ("ldconfig", "/sbin/ldconfig"),
            ("depmod", "/usr/sbin/depmod 6.12.0-igos"),
            (
                "icon-cache",
                "/usr/bin/gtk-update-icon-cache -q -t -f /usr/share/icons/a",
            ),
        ] {
            assert_eq!(command(name, &words(run)), Some(words(run)), "{run}");
        }
        for (name, run) in [
            ("systemd-reload", "/usr/lib/evil/systemctl daemon-reload"),
            ("systemd-reload", "/usr/bin/systemctl start evil"),
            ("systemd-reload", "/usr/bin/evil"),
            ("systemd-reload", "/usr/bin/systemctl"),
            ("systemd-reload", "/usr/bin/systemctl daemon-reload more"),
            ("systemd-reload", "/usr/sbin/ldconfig"),
            ("depmod", "/usr/sbin/depmod"),
            ("depmod", "/usr/sbin/depmod --config=/evil"),
            ("depmod", "/usr/sbin/depmod ../x"),
            ("unknown", "/usr/bin/systemctl daemon-reload"),
            ("ldconfig", ""),
        ] {
            assert_eq!(command(name, &words(run)), None, "{run}");
        }
    }

    const DOCUMENT: &str = include_str!("../../../../docs/formats/hooks.md");

    #[test]
    fn every_trigger_of_ours_has_patterns_and_stands_in_the_document() {
        for trigger in BUILT_IN {
            for pattern in trigger.paths {
                let parsed = pattern.parse::<PathPattern>().expect("a pattern");
                assert_eq!(parsed.as_str(), *pattern);
            }
            let takes_one = trigger.arguments.iter().any(|one| one.contains("{}"));
            assert_eq!(takes_one, trigger.each != Each::Once, "{}", trigger.name);
            let arguments = trigger.arguments.join(" ");
            let row = format!("| `{}` |", trigger.name);
            let command = format!(
                "`{}`",
                format!("{} {arguments}", trigger.program).trim_end()
            );
            let is_listed = DOCUMENT
                .lines()
                .any(|line| line.starts_with(&row) && line.contains(&command));
            assert!(is_listed, "{row} {command}");
        }
    }
}
