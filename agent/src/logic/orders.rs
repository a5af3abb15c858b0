//! What the office wants done once. An order is done when its number is above that of the last one done and its time
//! has not run out; the number is durable before the deed, so that nothing is done twice.
//!
//! A restart waits until nothing sounds, is suspended, or is about to begin. An order whose time runs out meanwhile is
//! given up.

use loa_protocol::speaker_config::{Order, OrderKind};

use super::{Agent, Effect, memory::OrderNote, port::LogLine, runs::End};

/// Nothing may be planned within this when the program restarts.
const CLEAR_AHEAD_S: i64 = 15;

#[derive(Debug, Default)]
pub struct Orders {
    done: u64,
    /// Its number is on the way to the disk, or there.
    under_way: Option<Order>,
}

impl Orders {
    pub fn new(note: Option<OrderNote>) -> Self {
        Self {
            done: note.unwrap_or_default().done,
            under_way: None,
        }
    }
}

impl Agent {
    /// Whoever numbered the orders is not believed any more: the next one numbers anew.
    pub(super) fn forget_orders(&mut self) {
        self.orders = Orders::default();
        self.keep_note(&OrderNote::default());
    }

    pub(super) fn tend_orders(&mut self) {
        if let Some(order) = self.orders.under_way.clone() {
            if order.until <= self.now.wall {
                self.log_order(&order, "given up: its time is over");
            } else if !self.commits.is_idle() || !self.may_be_done(&order) {
                return;
            } else {
                self.carry_out(&order);
            }
            self.orders.under_way = None;
        }
        if self.ended {
            return;
        }
        let (done, now) = (self.orders.done, self.now.wall);
        let orders = self.documents.config.orders.iter();
        let next = orders
            .filter(|order| order.number > done && order.until > now)
            .min_by_key(|order| order.number)
            .cloned();
        if let Some(order) = next.filter(|order| self.may_be_done(order)) {
            self.orders.done = order.number;
            self.keep_note(&OrderNote { done: order.number });
            self.commits.close_group();
            self.orders.under_way = Some(order);
        }
    }

    fn may_be_done(&self, order: &Order) -> bool {
        let soon = self.now.wall.plus_s(CLEAR_AHEAD_S);
        match order.what {
            OrderKind::SelfTest => true,
            OrderKind::Restart => {
                let next = self.agenda.next_after(self.now.wall);
                self.stage.acts.is_empty() && next.is_none_or(|at| at > soon)
            }
        }
    }

    fn carry_out(&mut self, order: &Order) {
        self.log_order(order, "done");
        match order.what {
            OrderKind::SelfTest => self.self_test_asked(order.number),
            OrderKind::Restart => {
                self.shut_down(End::Ordered);
                self.out.push(Effect::End);
            }
        }
    }

    fn log_order(&mut self, order: &Order, became: &'static str) {
        let number = order.number;
        self.out.push(Effect::Log(LogLine::Order {
            what: format!("{:?} {number}", order.what),
            became,
        }));
    }
}
