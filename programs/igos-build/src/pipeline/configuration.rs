//! The profile's configuration as a recipe, so that it is built, installed and verified as every other package is.

use std::path::{Path, PathBuf};

use fs_err as fs;
use igos_format::PackageName;
use igos_format::declaration::UserDeclaration;

use super::Profile;
use super::logins::Login;
use super::profile::is_of_a_person;
use crate::cache::CacheError;

/// The recipe of a profile's configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Configuration {
    /// Its name.
    pub name: PackageName,
    recipe: String,
    script: String,
}

impl Configuration {
    /// Returns the recipe of a profile; `None` if it configures nothing.
    #[must_use]
    pub fn of(profile: &Profile) -> Option<Self> {
        let is_empty = profile.hostname.is_none()
            && profile.services.values().all(Vec::is_empty)
            && profile.users.is_empty()
            && profile
                .logins
                .iter()
                .all(|login| login.groups.is_empty() && login.keys.is_empty())
            && profile.groups.is_empty()
            && profile.files.is_empty();
        if is_empty {
            return None;
        }
        let name = format!("profile-{}", profile.name);
        Some(Configuration {
            recipe: recipe(&name, profile),
            script: script(profile),
            name: name.parse().ok()?,
        })
    }

    /// Writes the recipe as the only one of a tree below `work`, and returns the tree.
    ///
    /// # Errors
    ///
    /// Returns what cannot be written.
    pub fn write(&self, work: &Path) -> Result<PathBuf, CacheError> {
        let tree = work.join("recipes");
        let directory = tree.join("core").join(self.name.as_str());
        fs::create_dir_all(&directory).map_err(CacheError::io("make", &directory))?;
        for (name, text) in [("package.yml", &self.recipe), ("build.sh", &self.script)] {
            let path = directory.join(name);
            // The same text is left alone, so that a look at a tree in use changes nothing.
            if fs::read_to_string(&path).is_ok_and(|found| found == *text) {
                continue;
            }
            fs::write(&path, text).map_err(CacheError::io("write", &path))?;
        }
        Ok(tree)
    }
}

/// Writes a text as YAML and shells of JSON understand it.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn recipe(name: &str, profile: &Profile) -> String {
    let mut text = format!(
        "format: 1\nname: {name}\nversion: \"1\"\nrelease: 1\ntier: core\ndescription: {}\nlicense: CC0-1.0\nbuild_style: custom\nsource: []\ndependencies:\n  build: []\n  host: []\n  runtime: []\nverify_paths:\n- /etc\n",
        quoted(&format!("Configuration of profile {}", profile.name))
    );
    if !profile.groups.is_empty() {
        text.push_str("groups:\n");
        for group in &profile.groups {
            let gid = group.gid.map(|gid| format!(", gid: {gid}"));
            text.push_str(&format!(
                "- {{name: {}{}}}\n",
                group.name,
                gid.unwrap_or_default()
            ));
        }
    }
    if !profile.users.is_empty() {
        text.push_str("users:\n");
        for user in &profile.users {
            text.push_str(&format!("- {{{}}}\n", user_fields(user)));
        }
    }
    let mut files = String::new();
    let mut kept = String::new();
    for login in &profile.logins {
        for (path, mode) in of_login(login) {
            let group = login.group.as_ref().unwrap_or(&login.name);
            files.push_str(&format!(
                "  {}: {{mode: \"{mode}\", owner: \"{}:{group}\"}}\n",
                quoted(&path),
                login.name
            ));
        }
        if !login.keys.is_empty() {
            let home = login.home.as_deref().unwrap_or_default();
            kept.push_str(&format!("- {}\n", quoted(&keys_of(home)[1..])));
        }
    }
    for (key, lines) in [("files", files), ("configuration", kept)] {
        if !lines.is_empty() {
            text.push_str(&format!("{key}:\n{lines}"));
        }
    }
    text
}

/// Returns what a person's directory has, with the mode of each; nobody else has a business there.
fn of_login(login: &Login) -> Vec<(String, &'static str)> {
    let mut paths = Vec::new();
    let Some(home) = &login.home else {
        return paths;
    };
    // That of root is there without a profile.
    if is_of_a_person(home) {
        paths.push((home.clone(), "0700"));
    }
    if !login.keys.is_empty() {
        paths.push((format!("{home}/.ssh"), "0700"));
        paths.push((keys_of(home), "0600"));
    }
    paths
}

/// Returns the file with the keys that let somebody in.
fn keys_of(home: &str) -> String {
    format!("{home}/.ssh/authorized_keys")
}

fn user_fields(user: &UserDeclaration) -> String {
    let mut fields = vec![format!("name: {}", user.name)];
    fields.extend(user.uid.map(|uid| format!("uid: {uid}")));
    fields.extend(user.group.as_ref().map(|group| format!("group: {group}")));
    for (key, value) in [
        ("home", &user.home),
        ("shell", &user.shell),
        ("description", &user.description),
    ] {
        fields.extend(
            value
                .as_ref()
                .map(|value| format!("{key}: {}", quoted(value))),
        );
    }
    fields.join(", ")
}

fn script(profile: &Profile) -> String {
    let mut text = String::from("do_install() {\n    mkdir -p \"$DESTDIR/etc\"\n");
    if let Some(name) = &profile.hostname {
        text.push_str(&format!(
            "    printf '%s\\n' '{name}' > \"$DESTDIR/etc/hostname\"\n"
        ));
    }
    for (level, services) in &profile.services {
        let level = level.as_str();
        text.push_str(&format!(
            "    mkdir -p \"$DESTDIR/etc/runlevels/{level}\"\n"
        ));
        for service in services {
            text.push_str(&format!(
                "    ln -s /etc/init.d/{service} \"$DESTDIR/etc/runlevels/{level}/{service}\"\n"
            ));
        }
    }
    for login in &profile.logins {
        for (path, mode) in of_login(login) {
            if mode == "0700" {
                text.push_str(&format!("    mkdir -p \"$DESTDIR\"{}\n", word(&path)));
                continue;
            }
            let keys: Vec<_> = login.keys.iter().map(|key| word(key.as_str())).collect();
            text.push_str(&format!(
                "    printf '%s\\n' {} > \"$DESTDIR\"{}\n",
                keys.join(" "),
                word(&path)
            ));
        }
    }
    for (path, contents) in &profile.files {
        let path = word(&String::from_utf8_lossy(path.as_bytes()));
        text.push_str(&format!(
            "    mkdir -p \"$DESTDIR\"/\"$(dirname {path})\"\n    printf '%s' {} > \"$DESTDIR\"/{path}\n",
            word(contents)
        ));
    }
    text.push_str("}\n");
    text
}

/// Writes a text as one word of the shell.
fn word(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use igos_recipe::Recipe;

    use super::{Configuration, Profile};

    fn of(text: &str) -> Option<Configuration> {
        let name = "p".parse().expect("a name");
        let head = "format = 1\ndescription = \"d\"\npackages = []\nimage = \"root\"\n";
        let text = format!("{head}{text}");
        let profile = Profile::parse(Path::new("p.toml"), &name, &text).expect("it is valid");
        Configuration::of(&profile)
    }

    /// Reads the recipe back, and runs its script.
    fn installed(configuration: &Configuration, place: &Path) -> (Recipe, PathBuf) {
        let tree = configuration.write(place).expect("the directory is ours");
        let settings = crate::tree::TreeSettings {
            path: vec![tree],
            ..crate::tree::TreeSettings::default()
        };
        let tree = crate::tree::load(&settings).expect("it can be read");
        assert_eq!(tree.diagnostics, []);
        let script = tree.entries[0].directory.join("build.sh");
        let root = place.join("root");
        let status = igos_sandbox::HostProgram::new("/bin/sh")
            .argument("-euc")
            .argument(". \"$1\"; DESTDIR=$2; do_install")
            .argument("sh")
            .argument(&script)
            .argument(&root)
            .run()
            .expect("there is a shell")
            .status;
        assert!(status.is_success());
        (tree.entries[0].recipe.clone(), root)
    }

    #[test]
    fn profile_that_configures_nothing_has_no_recipe() {
        assert_eq!(of("[services]\nboot = []\n"), None);
        assert!(of("hostname = \"h\"\n").is_some());
    }

    #[test]
    fn people_get_their_directory_and_their_keys_and_nobody_else_reads_them() {
        let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGPAuRGNJiMLSKuwfCzuSsfX1Oc3oosZLPRrhAN+Tt65 it's me";
        let configuration = of(&format!(
            "[[users]]\nname = \"root\"\nauthorized_keys = [\"{key}\"]\n[[users]]\nname = \"u\"\ngroup = \"users\"\nhome = \"/home/u\"\ngroups = [\"wheel\", \"audio\"]\nauthorized_keys = [\"{key}\"]\n[[users]]\nname = \"d\"\nhome = \"/var/d\"\n"
        ));
        let directory = tempfile::tempdir().expect("a temporary directory");
        let (recipe, root) = installed(
            &configuration.expect("it configures something"),
            directory.path(),
        );
        let names: Vec<_> = recipe.users.iter().map(|user| user.name.as_str()).collect();
        assert_eq!(names, ["u", "d"]);
        let files: Vec<_> = recipe
            .files
            .iter()
            .map(|rule| {
                let owner = rule.owner.as_ref().expect("it has an owner");
                let mode = rule.mode.expect("it has a mode");
                format!("{} {mode:o} {}:{}", rule.path, owner.user, owner.group)
            })
            .collect();
        assert_eq!(
            files,
            [
                "root/.ssh 700 root:root",
                "root/.ssh/authorized_keys 600 root:root",
                "home/u 700 u:users",
                "home/u/.ssh 700 u:users",
                "home/u/.ssh/authorized_keys 600 u:users",
            ]
        );
        let kept: Vec<_> = recipe
            .configuration
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(
            kept,
            ["root/.ssh/authorized_keys", "home/u/.ssh/authorized_keys"]
        );
        for home in ["root", "home/u"] {
            let found = fs_err::read_to_string(root.join(home).join(".ssh/authorized_keys"));
            assert_eq!(found.expect("it was written"), format!("{key}\n"));
        }
        assert!(!root.join("usr").exists(), "groups are set in the root");
        assert!(!root.join("var").exists());
    }

    #[test]
    fn password_is_in_no_package() {
        let hash = format!("$6$salt${}", "x".repeat(86));
        let text =
            format!("hostname = \"h\"\n[[users]]\nname = \"u\"\npassword_hash = \"{hash}\"\n");
        let configuration = of(&text).expect("it configures something");
        assert!(!configuration.recipe.contains(&hash) && !configuration.script.contains(&hash));
    }

    #[test]
    fn recipe_of_a_configuration_is_read_back_with_what_it_declares() {
        let configuration = of(
            "hostname = \"h\"\n[services]\ndefault = [\"sshd\"]\n[[users]]\nname = \"u\"\nuid = 7\ndescription = \"\\\"x\\\" # y\"\n[[groups]]\nname = \"g\"\n[files]\n\"etc/it's/$x\" = \"100 % of 'it'\\n$(y)\\\\n\"\n",
        );
        let directory = tempfile::tempdir().expect("a temporary directory");
        let (recipe, root) = installed(
            &configuration.expect("it configures something"),
            directory.path(),
        );
        assert_eq!(recipe.name.as_str(), "profile-p");
        assert_eq!(recipe.users[0].uid, Some(7));
        assert_eq!(recipe.users[0].description.as_deref(), Some("\"x\" # y"));
        assert_eq!(recipe.groups[0].name.as_str(), "g");
        assert!(recipe.functions.contains("do_install"));
        // Its script writes what the profile says, whatever that is to a shell.
        assert_eq!(
            fs_err::read_to_string(root.join("etc/it's/$x")).expect("it was written"),
            "100 % of 'it'\n$(y)\\n"
        );
    }
}
