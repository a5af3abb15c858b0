//! The editable table of short forms: built-in entries, a commune's own laid over them, longest match first.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde::Deserialize;

use super::words::is_syllable;

/// The table that ships with the controller.
const BUILT_IN: &str = include_str!("../../../config/abbreviations.vi.toml");

/// At most so many entries in one file, and so many characters in an entry and in its reading.
const MAX_ENTRIES: usize = 5_000;
const MAX_KEY_CHARS: usize = 40;
const MAX_READING_CHARS: usize = 200;

/// What can be wrong with a table of short forms.
#[derive(Debug, thiserror::Error)]
pub enum AbbreviationsError {
    #[error("the table of abbreviations is not in order: {0}")]
    Syntax(#[from] Box<toml::de::Error>),
    #[error("the table of abbreviations has {0} entries; at most {MAX_ENTRIES} are taken")]
    TooMany(usize),
    #[error(
        "abbreviation {0:?}: an entry has 1 to {MAX_KEY_CHARS} characters and its reading at most \
         {MAX_READING_CHARS}, of letters, spaces and , . : only"
    )]
    Entry(String),
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Tables {
    abbreviations: BTreeMap<String, String>,
    units: BTreeMap<String, String>,
    money: BTreeMap<String, String>,
    issuers: BTreeMap<String, String>,
    papers: BTreeMap<String, String>,
    words: Words,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Words {
    read_as_words: Vec<String>,
}

/// Short forms and how they are read. Cheap to look up, costly to build: build once.
#[derive(Debug, Clone)]
pub struct Abbreviations {
    pub(super) short: Table,
    /// The same entries in capitals, for those that no Vietnamese syllable looks like.
    pub(super) any_case: Table,
    pub(super) units: Table,
    pub(super) issuers: BTreeMap<String, String>,
    pub(super) papers: BTreeMap<String, String>,
    pub(super) read_as_words: HashSet<String>,
}

/// Entries by their first character, longest first.
#[derive(Debug, Clone, Default)]
pub(super) struct Table(HashMap<char, Vec<Entry>>);

/// One short form.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub key: Vec<char>,
    pub reading: String,
    /// Written with "#": holds only with a digit right behind.
    pub before_digit: bool,
    /// An amount of money follows the number.
    pub money: bool,
}

impl Abbreviations {
    /// The table that ships with the controller.
    pub fn built_in() -> Self {
        let tables = parse(BUILT_IN).expect("a test parses and checks this very text");
        Self::build(&tables)
    }

    /// The built-in table with a commune's own entries laid over it; an empty reading takes an entry out.
    pub fn with_own(own: &str) -> Result<Self, AbbreviationsError> {
        let mut tables = parse(BUILT_IN)?;
        let own = parse(own)?;
        tables.abbreviations.extend(own.abbreviations);
        tables.units.extend(own.units);
        tables.money.extend(own.money);
        tables.issuers.extend(own.issuers);
        tables.papers.extend(own.papers);
        tables.words.read_as_words.extend(own.words.read_as_words);
        Ok(Self::build(&tables))
    }

    fn build(tables: &Tables) -> Self {
        let mut built = Self {
            short: Table::default(),
            any_case: Table::default(),
            units: Table::default(),
            issuers: kept(&tables.issuers),
            papers: kept(&tables.papers),
            read_as_words: tables
                .words
                .read_as_words
                .iter()
                .map(|word| word.to_uppercase())
                .collect(),
        };
        for (key, reading) in kept(&tables.abbreviations) {
            let plain = key.trim_end_matches('#');
            let entry = Entry {
                key: plain.chars().collect(),
                reading,
                before_digit: plain.len() < key.len(),
                money: false,
            };
            if entry.key.len() >= 3 && !key.ends_with(['.', '#']) && !is_syllable(&entry.key) {
                let in_capitals = entry.key.iter().map(|letter| capital(*letter)).collect();
                built.any_case.add(Entry {
                    key: in_capitals,
                    ..entry.clone()
                });
            }
            built.short.add(entry);
        }
        for (units, money) in [(&tables.units, false), (&tables.money, true)] {
            for (key, reading) in kept(units) {
                built.units.add(Entry {
                    key: key.chars().collect(),
                    reading,
                    before_digit: false,
                    money,
                });
            }
        }
        for table in [&mut built.short, &mut built.any_case, &mut built.units] {
            table.longest_first();
        }
        built
    }
}

impl Default for Abbreviations {
    fn default() -> Self {
        Self::built_in()
    }
}

impl Table {
    fn add(&mut self, entry: Entry) {
        if let Some(first) = entry.key.first() {
            self.0.entry(*first).or_default().push(entry);
        }
    }

    fn longest_first(&mut self) {
        for entries in self.0.values_mut() {
            entries.sort_by_key(|entry| std::cmp::Reverse((entry.key.len(), entry.before_digit)));
        }
    }

    /// Entries that may begin with this character, longest first.
    pub fn beginning(&self, first: char) -> &[Entry] {
        self.0.get(&first).map_or(&[], Vec::as_slice)
    }
}

/// The capital of a letter, one character for one.
pub(super) fn capital(letter: char) -> char {
    let mut capitals = letter.to_uppercase();
    match (capitals.next(), capitals.next()) {
        (Some(capital), None) => capital,
        _ => letter,
    }
}

fn kept(table: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    table
        .iter()
        .filter(|(_, reading)| !reading.is_empty())
        .map(|(k, v)| (k.clone(), v.clone()))
        .collect()
}

fn parse(text: &str) -> Result<Tables, AbbreviationsError> {
    let tables: Tables = toml::from_str(text).map_err(Box::new)?;
    let all = [
        &tables.abbreviations,
        &tables.units,
        &tables.money,
        &tables.issuers,
        &tables.papers,
    ];
    let count =
        all.iter().map(|table| table.len()).sum::<usize>() + tables.words.read_as_words.len();
    if count > MAX_ENTRIES {
        return Err(AbbreviationsError::TooMany(count));
    }
    for (key, reading) in all.into_iter().flatten() {
        let spoken = |c: char| c.is_alphabetic() || matches!(c, ' ' | ',' | '.' | ':' | '\'');
        let key_fits = (1..=MAX_KEY_CHARS).contains(&key.chars().count()) && key.trim() == key;
        let reading_fits =
            reading.chars().count() <= MAX_READING_CHARS && reading.chars().all(spoken);
        if !key_fits || !reading_fits {
            return Err(AbbreviationsError::Entry(key.clone()));
        }
    }
    Ok(tables)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::speech::normalise;

    #[test]
    fn the_table_that_ships_is_in_order_and_reads_into_plain_words() {
        let tables = parse(BUILT_IN).expect("config/abbreviations.vi.toml");
        let built_in = Abbreviations::built_in();
        for table in [
            &tables.abbreviations,
            &tables.units,
            &tables.money,
            &tables.issuers,
            &tables.papers,
        ] {
            for (key, reading) in table {
                let again = normalise(reading, &built_in);
                assert_eq!(
                    &again,
                    reading.trim_end_matches(':'),
                    "the reading of {key}"
                );
            }
        }
    }

    #[test]
    fn a_commune_changes_adds_and_removes_entries() {
        let own = "[abbreviations]\nTT = \"trung tâm\"\nBC = \"Bản Chương\"\nCN = \"\"\n";
        let table = Abbreviations::with_own(own).expect("a table in order");
        assert_eq!(
            normalise("TT xã, xóm BC", &table),
            "trung tâm xã, xóm Bản Chương"
        );
        assert_eq!(normalise("CN", &table), "xê en nờ");
    }

    #[test]
    fn a_table_out_of_order_is_refused_with_its_entry() {
        for (wrong, says) in [
            ("[abbreviations]\nA = 5", "invalid type"),
            ("[abreviations]\nA = \"b\"", "unknown field"),
            ("[abbreviations]\nXX = \"2 lần\"", "\"XX\""),
            ("[units]\n\"\" = \"gì\"", "\"\""),
        ] {
            let error = Abbreviations::with_own(wrong).expect_err(wrong).to_string();
            assert!(error.contains(says), "{wrong}: {error}");
        }
    }
}
