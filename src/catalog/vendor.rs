//! Names that a field has elsewhere: in the raw log, in the tables and indices of the targets.
//!
//! In: a name that is no canonical one, as somebody wrote it. Out: the fields that it most likely means. Must not know:
//! rules, and which target is which. Only asked when a name is wrong, so nothing is kept ready.

use std::collections::BTreeSet;

use super::{FieldDef, Raw, Source};
use crate::diag;

/// What a name means that the source does not have as a field.
#[derive(Debug, Clone, PartialEq)]
pub struct Meant<'s> {
    /// The fields, sorted; more than one if the name does not tell them apart.
    pub fields: Vec<&'s FieldDef>,
    /// How the name is known.
    pub by: KnownBy,
}

/// How a name is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KnownBy {
    /// It is the vendor's name of the field.
    Vendor,
    /// The field is made of what has this name in the log, with other values.
    Derived,
    /// It is the canonical name in another spelling, or a part of a name.
    Spelling,
    /// It is nearly a name that the vendor gives.
    NearVendor,
}

/// A name of a field elsewhere.
struct VendorName<'s> {
    text: String,
    field: &'s FieldDef,
    /// The field has the values of what has the name.
    as_is: bool,
}

impl Source {
    /// What a name means that is no field of the source.
    #[must_use]
    pub fn meant_by(&self, name: &str) -> Option<Meant<'_>> {
        let names = self.vendor_names();
        let key = key(name);
        let same = |as_is| {
            let fitting = names.iter().filter(|vendor| vendor.as_is == as_is);
            fields(fitting.filter(|vendor| self::key(&vendor.text) == key).map(|vendor| vendor.field))
        };
        let canonical = || fields(self.fields.values().filter(|field| self::key(&field.name) == key));
        let part = || {
            let whole =
                names.iter().filter(|vendor| vendor.as_is).map(|vendor| (vendor.text.as_str(), vendor.field));
            let all = whole.chain(self.fields.values().map(|field| (field.name.as_str(), field)));
            fields(all.filter(|(text, _)| is_end(text, &key)).map(|(_, field)| field))
        };
        let found = |fields: Vec<_>, by| (!fields.is_empty()).then_some(Meant { fields, by });
        // From the surest reading to the least sure.
        found(same(true), KnownBy::Vendor)
            .or_else(|| found(same(false), KnownBy::Derived))
            .or_else(|| found(canonical(), KnownBy::Spelling))
            .or_else(|| found(part(), KnownBy::Spelling).filter(|meant| meant.fields.len() <= 3))
            .or_else(|| found(near(&names, &key), KnownBy::NearVendor))
    }

    /// Every name that a field has elsewhere.
    fn vendor_names(&self) -> Vec<VendorName<'_>> {
        let mut names = Vec::new();
        for field in self.fields.values() {
            self.raw_names(field, &mut names);
            for mapped in field.columns.values().flat_map(super::Column::variants) {
                // A column with the values of all items, or without some values, has the field's name but is not the
                // field.
                let as_is =
                    !mapped.is_mapped() && !mapped.multi && mapped.text.is_none() && mapped.subset.is_none();
                let written = [&mapped.field, &mapped.path, &mapped.item].into_iter().flatten();
                names.extend(written.map(|text| VendorName { text: plain(text), field, as_is }));
                let made_of =
                    mapped.needs.values().chain(mapped.cases.iter().flat_map(|case| case.when.keys()));
                names.extend(made_of.map(|text| VendorName { text: plain(text), field, as_is: false }));
            }
        }
        names
    }

    fn raw_names<'s>(&self, field: &'s FieldDef, names: &mut Vec<VendorName<'s>>) {
        let mut add = |path: &str, of_item: bool, as_is: bool| {
            let group = self.group_of(field).map(|(_, group)| group).filter(|_| of_item);
            if let Some(group) = group {
                let inner = path.starts_with('>').then_some(group.inner.as_deref()).flatten();
                let whole = [Some(group.path.as_str()), inner].into_iter().flatten().collect::<Vec<_>>();
                let text = format!("{}.{}", whole.join("."), plain(path));
                names.push(VendorName { text, field, as_is });
            }
            names.push(VendorName { text: plain(path), field, as_is });
        };
        match &field.raw {
            Some(Raw::Path(path)) => add(path, field.in_group.is_some(), true),
            Some(Raw::Variants(variants)) => {
                for variant in variants {
                    let as_is = variant.map.is_empty()
                        && variant.capture.is_none()
                        && variant.absent.is_none()
                        && variant.otherwise.is_none();
                    let of_item = field.in_group.is_some() && !variant.from_event;
                    variant.paths().for_each(|path| add(path, of_item, as_is));
                }
            }
            None => {}
        }
    }
}

/// The fields, each once, in the order of their names.
fn fields<'s>(found: impl Iterator<Item = &'s FieldDef>) -> Vec<&'s FieldDef> {
    let mut seen = BTreeSet::new();
    let mut fields: Vec<_> = found.filter(|field| seen.insert(field.name.as_str())).collect();
    fields.sort_by(|one, other| one.name.cmp(&other.name));
    fields
}

/// A path without the mark of the inner group.
fn plain(path: &str) -> String {
    path.trim_start_matches('>').replace('>', ".").replace("..", ".")
}

/// What is the same in all spellings of a name: `user_identity.arn`, `userIdentity.arn`, `UserIdentityArn`.
fn key(name: &str) -> String {
    let letters = name.chars().filter(|c| !matches!(c, '.' | '_' | '-' | '@'));
    letters.map(|c| c.to_ascii_lowercase()).collect()
}

/// Whether a dotted name ends in the parts that `wanted` is the key of.
fn is_end(text: &str, wanted: &str) -> bool {
    // `id` and `ip` end too many names to mean one.
    wanted.len() > 2
        && text.match_indices('.').any(|(at, _)| text.get(at + 1..).is_some_and(|end| key(end) == wanted))
}

/// The fields of the vendor's name that has one letter less, more or other.
fn near<'s>(names: &[VendorName<'s>], wanted: &str) -> Vec<&'s FieldDef> {
    // In a short name one other letter is another name.
    if wanted.len() < 6 {
        return Vec::new();
    }
    let close = |vendor: &&VendorName<'_>| vendor.as_is && diag::distance(wanted, &key(&vendor.text)) == 1;
    fields(names.iter().filter(close).map(|vendor| vendor.field))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Catalog;

    fn meant(source: &str, name: &str) -> String {
        let catalog = Catalog::embedded().unwrap();
        match catalog.source(source).unwrap().meant_by(name) {
            Some(Meant { fields, by }) => {
                let names: Vec<_> = fields.iter().map(|field| field.name.as_str()).collect();
                format!("{by:?} {}", names.join(" "))
            }
            None => "nothing".to_owned(),
        }
    }

    #[test]
    fn names_of_vendors() {
        let mut wrong = Vec::new();
        for (name, field) in [
            ("eventName", "Vendor event.action"),
            ("EventName", "Vendor event.action"),
            ("event.name", "Vendor event.action"),
            ("event_name", "Vendor event.action"),
            ("eventSource", "Vendor event.provider"),
            ("eventTime", "Vendor event.time"),
            ("TimeGenerated", "Vendor event.time"),
            ("userIdentity.arn", "Vendor actor.id"),
            ("UserIdentityArn", "Vendor actor.id"),
            ("aws.cloudtrail.user_identity.arn", "Vendor actor.id"),
            ("user.id", "Vendor actor.principal_id"),
            ("sourceIPAddress", "Vendor source.ip"),
            ("SourceIpAddress", "Vendor source.ip"),
            ("errorCode", "Vendor event.error_code"),
            ("userAgent", "Vendor user_agent.original"),
            ("awsRegion", "Vendor cloud.region"),
            ("responseElements.ConsoleLogin", "Derived event.outcome"),
            ("errorMessage", "Derived event.outcome"),
            ("additionalEventData.MFAUsed", "Derived session.mfa"),
            (
                "related.entity",
                "Derived assumed.arn created.access_key_id created.role_arn created.user_arn image.id instance.eni instance.id instance.vpc_id",
            ),
            ("responseElements.instancesSet.items.imageId", "Vendor image.id"),
            (
                "responseElements.instancesSet.items.networkInterfaceSet.items.networkInterfaceId",
                "Vendor instance.eni",
            ),
            ("imageId", "Vendor image.id"),
            ("userName", "Vendor actor.name"),
            ("accessKeyId", "Spelling actor.access_key_id created.access_key_id issued.access_key_id"),
            ("mfaAuthenticated", "Spelling session.mfa"),
            ("arn", "nothing"),
            ("eventAction", "Vendor event.action"),
            ("source_ip", "Vendor source.ip"),
            ("region", "Spelling cloud.region"),
            ("eventNme", "NearVendor event.action"),
            ("requestParameters.bucketName", "Vendor request.bucket"),
            ("id", "nothing"),
            ("nonsense", "nothing"),
        ] {
            if meant("aws.cloudtrail", name) != field {
                wrong.push((name, meant("aws.cloudtrail", name)));
            }
        }
        assert_eq!(wrong, []);
        assert_eq!(meant("aws.vpcflow", "dstaddr"), "Vendor destination.ip");
        assert_eq!(meant("aws.vpcflow", "srcaddr"), "Vendor instance.private_ip source.ip");
        assert_eq!(meant("aws.vpcflow", "interface-id"), "Vendor instance.eni");
    }
}
