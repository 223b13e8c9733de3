//! `igos-build recipe new`

use std::fmt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use igos_cli::{Answer, Exit, Failure, Globals, Render, Session};
use igos_format::{PackageName, Tier, Version};
use igos_report::{Diagnostic, Explain};
use serde::Serialize;

use super::recipes::RecipeFlags;

#[derive(Debug, Args)]
pub(super) struct NewCommand {
    /// Name of the package
    name: PackageName,
    /// Version of the package
    #[arg(long, default_value = "1.0")]
    version: Version,
    /// How it is built
    #[arg(long, value_enum, default_value_t = NewStyle::Autotools)]
    style: NewStyle,
    /// Tier of the package
    #[arg(long, default_value = "extra")]
    tier: Tier,
    /// Where to write it [default: the first directory of --recipes]
    #[arg(long, value_name = "DIR")]
    directory: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum NewStyle {
    /// `./configure`, `make`, `make install`
    Autotools,
    /// CMake
    Cmake,
    /// Meson
    Meson,
    /// `make` alone
    Make,
    /// Functions of a `build.sh`
    Custom,
    /// A KISS directory
    Kiss,
}

/// A recipe cannot be written.
#[derive(Debug, thiserror::Error)]
enum WriteRecipeError {
    #[error("cannot write {}", path.display())]
    Write {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
}

impl Explain for WriteRecipeError {
    fn code(&self) -> &'static str {
        "recipe-unwritable"
    }
}

#[derive(Debug, Serialize)]
struct Written {
    directory: String,
    files: Vec<String>,
    is_dry_run: bool,
}

impl NewCommand {
    pub(super) fn execute(
        self,
        globals: &Globals,
        flags: &RecipeFlags,
        session: &Session,
    ) -> Result<Answer, Failure> {
        let base = self
            .directory
            .clone()
            .or_else(|| flags.settings(session).path.into_iter().next());
        let Some(base) = base else {
            return Err(Failure::usage(
                "say where to write the recipe with `--directory` or `--recipes`",
            ));
        };
        let directory = if self.style == NewStyle::Kiss {
            base.join(self.name.as_str())
        } else {
            base.join(self.tier.as_str()).join(self.name.as_str())
        };
        if fs_err::symlink_metadata(&directory).is_ok() {
            let message = format!("{} exists already", directory.display());
            return Err(Failure::new(
                Exit::No,
                Diagnostic::error("recipe-exists", message),
            ));
        }
        let files = self.files();
        if !globals.dry_run {
            create(&directory, &files)?;
        }
        Ok(Answer::from(Written {
            directory: directory.display().to_string(),
            files: files
                .into_iter()
                .map(|(name, _, _)| name.to_owned())
                .collect(),
            is_dry_run: globals.dry_run,
        }))
    }

    /// Returns the files, each with its mode.
    fn files(&self) -> Vec<(&'static str, u32, String)> {
        let (name, version) = (&self.name, &self.version);
        if self.style == NewStyle::Kiss {
            let build =
                "#!/bin/sh -e\n\n./configure --prefix=/usr\nmake\nmake DESTDIR=\"$1\" install\n";
            return vec![
                ("build", 0o755, build.to_owned()),
                (
                    "sources",
                    0o644,
                    format!("https://example.org/{name}-{version}.tar.xz\n"),
                ),
                ("version", 0o644, format!("{version} 1\n")),
            ];
        }
        let style = self
            .style
            .to_possible_value()
            .map(|value| value.get_name().to_owned())
            .unwrap_or_default();
        let tier = self.tier;
        let recipe = format!(
            "format: 1\nname: {name}\nversion: \"{version}\"\nrelease: 1\ndescription: \"\"\nlicense: \"\"\n\
             homepage: https://example.org/\ntier: {tier}\nbuild_style: {style}\nsource:\n\
             - url: https://example.org/${{name}}-${{version}}.tar.xz\n  \
             sha256: \"{}\"\ndependencies:\n  build: []\n  host: []\n  runtime: []\nverify_paths: []\n",
            "0".repeat(64)
        );
        let mut files = vec![("package.yml", 0o644, recipe)];
        if self.style == NewStyle::Custom {
            let script = "configure() {\n    ./configure --prefix=/usr\n}\n\nbuild() {\n    make\n}\n\ncheck() {\n    \
                          make check\n}\n\ndo_install() {\n    make DESTDIR=\"$DESTDIR\" install\n}\n";
            files.push(("build.sh", 0o644, script.to_owned()));
        }
        files
    }
}

fn create(directory: &Path, files: &[(&str, u32, String)]) -> Result<(), WriteRecipeError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        |source| WriteRecipeError::Write { path, source }
    };
    fs_err::create_dir_all(directory).map_err(failed(directory))?;
    for (name, mode, text) in files {
        let path = directory.join(name);
        fs_err::write(&path, text).map_err(failed(&path))?;
        fs_err::set_permissions(&path, std::fs::Permissions::from_mode(*mode))
            .map_err(failed(&path))?;
    }
    Ok(())
}

impl Render for Written {
    fn render(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        let would = if self.is_dry_run { "would write " } else { "" };
        self.files
            .iter()
            .try_for_each(|file| writeln!(out, "{would}{}/{file}", self.directory))
    }
}
