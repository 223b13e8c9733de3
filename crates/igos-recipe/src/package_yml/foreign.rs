//! Keys that other parts of InterGenOS read.

use super::keys;
use super::reader::{Fields, Reader};
use crate::{BuildArtifact, ForeignKeys, Validation};

impl Reader<'_> {
    pub(super) fn foreign(&mut self, fields: &Fields<'_>) -> ForeignKeys {
        let foreign = ForeignKeys {
            iso_include: self.optional_bool(fields, "iso_include"),
            payload_license: self.optional_text(fields, "payload_license"),
            direct_install: self
                .optional_bool(fields, "direct_install")
                .unwrap_or(false),
            skip_tracking: self.optional_bool(fields, "skip_tracking").unwrap_or(false),
            pass_number: self.optional(fields, "pass_number"),
            bundled_dependencies: self.texts(fields, "bundled_deps"),
            build_artifacts: self.build_artifacts(fields),
            validation: self.validation(fields),
            pending_acquisition: self.optional_text(fields, "pending_acquisition"),
            sources_extra: self.texts(fields, "sources_extra"),
        };
        if foreign.direct_install && foreign.skip_tracking {
            let node = fields
                .find("skip_tracking")
                .expect("it was just read as true");
            self.invalid("`skip_tracking` cannot stand beside `direct_install`", node);
        }
        foreign
    }

    fn build_artifacts(&mut self, fields: &Fields<'_>) -> Vec<BuildArtifact> {
        let what = "an item of `build_artifacts`";
        let items = self.list(fields, "build_artifacts");
        items
            .iter()
            .filter_map(|item| {
                let fields = self.fields(item, what, &keys::BUILD_ARTIFACT)?;
                Some(BuildArtifact {
                    name: self.required_text(&fields, what, "name")?,
                    generated_by: self.text_or_empty(&fields, "generated_by"),
                })
            })
            .collect()
    }

    fn validation(&mut self, fields: &Fields<'_>) -> Vec<Validation> {
        let what = "an item of `validation`";
        let items = self.list(fields, "validation");
        items
            .iter()
            .filter_map(|item| {
                let fields = self.fields(item, what, &keys::VALIDATION)?;
                Some(Validation {
                    kind: self.required_text(&fields, what, "type")?,
                    description: self.text_or_empty(&fields, "description"),
                    script: self.text_or_empty(&fields, "script"),
                    expect_contains: self.optional_text(&fields, "expect_contains"),
                    is_fatal: self.optional_bool(&fields, "fatal").unwrap_or(true),
                })
            })
            .collect()
    }
}
