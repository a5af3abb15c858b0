//! `[report]` of the configuration: who gets the month's report by mail, and when.

use std::collections::BTreeMap;

use jiff::civil::Time;
use serde::{Deserialize, Serialize};

/// Most addresses in all.
const MOST: usize = 100;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ReportConfig {
    /// Who gets the whole office's report; nobody when it is empty.
    pub mail_to: Vec<String>,
    /// Who gets an area's, by the area's id.
    pub areas: BTreeMap<String, Vec<String>>,
    /// On which day of the month the last month's report goes out, 1 to 28.
    pub day: u8,
    /// And when, in the office's zone.
    pub hour: String,
}

impl Default for ReportConfig {
    fn default() -> Self {
        Self {
            mail_to: Vec::new(),
            areas: BTreeMap::new(),
            day: 1,
            hour: "07:00".into(),
        }
    }
}

impl ReportConfig {
    /// Area ("" for the whole office) and address of each report.
    pub fn each(&self) -> impl Iterator<Item = (&str, &str)> {
        let whole = self.mail_to.iter().map(|to| ("", to.as_str()));
        let areas = self.areas.iter();
        whole.chain(areas.flat_map(|(area, all)| all.iter().map(|to| (area.as_str(), to.as_str()))))
    }

    pub fn time(&self) -> Option<Time> {
        // Minutes are enough, and `7` or `7am` are no times of day.
        let fits = self.hour.len() == 5 && self.hour.as_bytes().get(2) == Some(&b':');
        self.hour.parse().ok().filter(|_| fits)
    }

    /// The key that is wrong, and what would be right.
    pub fn check(&self, has_mail: bool) -> Result<(), (&'static str, String)> {
        if !(1..=28).contains(&self.day) {
            return Err(("report.day", format!("{} is outside 1 to 28", self.day)));
        }
        if self.time().is_none() {
            return Err((
                "report.hour",
                format!("{:?} is no time such as 07:00", self.hour),
            ));
        }
        if self.each().count() > MOST {
            return Err(("report.mail_to", format!("at most {MOST} addresses")));
        }
        for (_, to) in self.each() {
            if to.parse::<lettre::message::Mailbox>().is_err() {
                return Err(("report.mail_to", format!("{to:?} is no address")));
            }
        }
        if !has_mail && self.each().next().is_some() {
            return Err((
                "report.mail_to",
                "needs a mail server: set the section [mail]".into(),
            ));
        }
        Ok(())
    }
}
