//! Every topic of the wire, as a value. `docs/protocol.md` has the same table for people.

use std::{fmt, str::FromStr};

use crate::{
    channel::Channel,
    content::ContentId,
    id::{AreaId, BulletinId, SpeakerId},
};

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Topic {
    Head,
    /// The root document of this version.
    Root(u32),
    /// Further approvers of an area.
    Approvers(AreaId),
    Config(SpeakerId),
    Programme(Channel),
    Now(Channel),
    /// The packets of a stream.
    Live(Channel, BulletinId),
    Block {
        content: ContentId,
        index: u32,
    },
    Status(SpeakerId),
    Events(SpeakerId),
    Ack(SpeakerId),
    Want(SpeakerId),
    Clock(SpeakerId),
    ClockReply(SpeakerId),
    /// A speaker asks for its next certificate, and gets it.
    Renewal(SpeakerId),
    Certificate(SpeakerId),
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no topic of this version")]
pub struct TopicError;

impl Topic {
    /// Should the broker keep the last document and give it to whoever subscribes later?
    pub fn is_retained(&self) -> bool {
        matches!(
            self,
            Topic::Head
                | Topic::Root(_)
                | Topic::Approvers(_)
                | Topic::Config(_)
                | Topic::Programme(_)
                | Topic::Status(_)
                | Topic::Ack(_)
        )
    }
    /// MQTT quality of service: 1 for documents, 0 for what is asked for again anyway.
    pub fn qos(&self) -> u8 {
        match self {
            Topic::Block { .. } | Topic::Live(..) | Topic::Clock(_) | Topic::ClockReply(_) => 0,
            _ => 1,
        }
    }
    /// The filter under which a speaker receives a content's blocks.
    pub fn blocks_filter(content: ContentId) -> String {
        format!("loa/v1/content/{content}/+")
    }
    /// The filter under which a speaker receives the packets of every stream on a channel.
    pub fn live_filter(channel: &Channel) -> String {
        format!("loa/v1/channel/{channel}/live/+")
    }
    /// The filter under which a speaker receives every root document.
    pub const ROOTS: &str = "loa/v1/root/+";
    /// The filters under which the office hears all speakers.
    pub fn office_filters() -> [String; 5] {
        ["status", "events", "want", "clock", "renewal"]
            .map(|leaf| format!("loa/v1/speaker/+/{leaf}"))
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("loa/v1/")?;
        match self {
            Topic::Head => f.write_str("head"),
            Topic::Root(version) => write!(f, "root/{version}"),
            Topic::Approvers(area) => write!(f, "approvers/{area}"),
            Topic::Config(s) => write!(f, "speaker/{s}/config"),
            Topic::Programme(c) => write!(f, "channel/{c}/programme"),
            Topic::Now(c) => write!(f, "channel/{c}/now"),
            Topic::Live(c, b) => write!(f, "channel/{c}/live/{b}"),
            Topic::Block { content, index } => write!(f, "content/{content}/{index}"),
            Topic::Status(s) => write!(f, "speaker/{s}/status"),
            Topic::Events(s) => write!(f, "speaker/{s}/events"),
            Topic::Ack(s) => write!(f, "speaker/{s}/ack"),
            Topic::Want(s) => write!(f, "speaker/{s}/want"),
            Topic::Clock(s) => write!(f, "speaker/{s}/clock"),
            Topic::ClockReply(s) => write!(f, "speaker/{s}/clock/reply"),
            Topic::Renewal(s) => write!(f, "speaker/{s}/renewal"),
            Topic::Certificate(s) => write!(f, "speaker/{s}/certificate"),
        }
    }
}

impl FromStr for Topic {
    type Err = TopicError;
    fn from_str(text: &str) -> Result<Self, TopicError> {
        let rest = text.strip_prefix("loa/v1/").ok_or(TopicError)?;
        let parts: Vec<&str> = rest.splitn(5, '/').collect();
        let topic = match parts.as_slice() {
            ["head"] => Topic::Head,
            ["root", version] => Topic::Root(version.parse().map_err(|_| TopicError)?),
            ["approvers", area] => Topic::Approvers(AreaId::new(*area).map_err(|_| TopicError)?),
            ["speaker", id, leaf @ ..] => {
                let id = SpeakerId::new(*id).map_err(|_| TopicError)?;
                match leaf {
                    ["config"] => Topic::Config(id),
                    ["status"] => Topic::Status(id),
                    ["events"] => Topic::Events(id),
                    ["ack"] => Topic::Ack(id),
                    ["want"] => Topic::Want(id),
                    ["clock"] => Topic::Clock(id),
                    ["clock", "reply"] => Topic::ClockReply(id),
                    ["renewal"] => Topic::Renewal(id),
                    ["certificate"] => Topic::Certificate(id),
                    _ => return Err(TopicError),
                }
            }
            ["channel", channel, "live", bulletin] => Topic::Live(
                channel.parse().map_err(|_| TopicError)?,
                BulletinId::new(*bulletin).map_err(|_| TopicError)?,
            ),
            ["channel", channel, leaf] => {
                let channel: Channel = channel.parse().map_err(|_| TopicError)?;
                match *leaf {
                    "programme" => Topic::Programme(channel),
                    "now" => Topic::Now(channel),
                    _ => return Err(TopicError),
                }
            }
            ["content", content, index] => Topic::Block {
                content: content.parse().map_err(|_| TopicError)?,
                index: index.parse().map_err(|_| TopicError)?,
            },
            _ => return Err(TopicError),
        };
        // One spelling only: `+7` and `007` are not block 7.
        if topic.to_string() == text {
            Ok(topic)
        } else {
            Err(TopicError)
        }
    }
}
