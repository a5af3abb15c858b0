//! Why a schedule was refused, in words for the person who wrote it.

use super::{MAX_EXCEPTIONS, MAX_RULE_BYTES, START_YEARS};

/// A schedule that cannot be read. The text names the part, what was wrong with it and what is allowed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecurrenceError {
    #[error(
        "start `{given}` is not a civil time: write YYYY-MM-DDTHH:MM or YYYY-MM-DDTHH:MM:SS, without an offset, in a year from {} to {}",
        START_YEARS.start(),
        START_YEARS.end()
    )]
    Start { given: String },

    #[error("time zone `{given}` is not known: write an IANA name such as Asia/Ho_Chi_Minh")]
    Zone { given: String },

    #[error(
        "exception `{given}` is neither a date (YYYY-MM-DD, the whole day) nor a civil time (YYYY-MM-DDTHH:MM)"
    )]
    Exception { given: String },

    #[error("{given} exceptions are too many: at most {MAX_EXCEPTIONS} are allowed")]
    TooManyExceptions { given: usize },

    #[error("the rule is {given} bytes long: at most {MAX_RULE_BYTES} are allowed")]
    RuleTooLong { given: usize },

    #[error(
        "the rule says no FREQ: begin with FREQ=DAILY, WEEKLY, MONTHLY, YEARLY, HOURLY or MINUTELY"
    )]
    NoFrequency,

    #[error(
        "FREQ=SECONDLY is refused: a bulletin repeats once a minute at most, use FREQ=MINUTELY or a longer one"
    )]
    Secondly,

    #[error(
        "`{given}` is not a part of a rule: write NAME=VALUE, divided by `;`, with the names FREQ, INTERVAL, COUNT, UNTIL, WKST, \
         BYMONTH, BYWEEKNO, BYYEARDAY, BYMONTHDAY, BYDAY, BYHOUR, BYMINUTE, BYSETPOS"
    )]
    UnknownPart { given: String },

    #[error("BYSECOND is refused: the second of every occurrence is that of the start")]
    BySecond,

    #[error("{part} is given twice: join its values with `,`")]
    Repeated { part: &'static str },

    #[error("{part} does not allow `{given}`: allowed is {allowed}")]
    Value {
        part: &'static str,
        given: String,
        allowed: &'static str,
    },

    #[error("{part} cannot stand here: {allowed}")]
    Conflict {
        part: &'static str,
        allowed: &'static str,
    },
}
