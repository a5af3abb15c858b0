//! Places for those who watch `/events`: so many in all, and so many of one person.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use super::{MAX_WATCHERS, MAX_WATCHERS_EACH};
use crate::store::UserId;

/// Who watches, and in how many places.
#[derive(Debug, Default)]
pub struct Watchers {
    taken: Arc<Mutex<HashMap<UserId, usize>>>,
}

/// Why nobody more can watch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Full {
    /// This person has so many places already.
    Of(usize),
    All,
}

/// Given back when it is dropped.
#[derive(Debug)]
pub struct Place {
    taken: Arc<Mutex<HashMap<UserId, usize>>>,
    user: UserId,
}

impl Watchers {
    pub fn enter(&self, user: &UserId) -> Result<Place, Full> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if taken
            .get(user)
            .is_some_and(|places| *places >= MAX_WATCHERS_EACH)
        {
            return Err(Full::Of(MAX_WATCHERS_EACH));
        }
        if taken.values().sum::<usize>() >= MAX_WATCHERS {
            return Err(Full::All);
        }
        *taken.entry(user.clone()).or_default() += 1;
        Ok(Place {
            taken: self.taken.clone(),
            user: user.clone(),
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(places) = taken.get_mut(&self.user) {
            *places -= 1;
            if *places == 0 {
                taken.remove(&self.user);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_person_does_not_take_all_places() {
        let watchers = Watchers::default();
        let user = |n: usize| UserId::new(format!("u{n}"));
        let mut places: Vec<Place> = (0..MAX_WATCHERS_EACH)
            .map(|_| watchers.enter(&user(0)).expect("a place"))
            .collect();
        let refused = watchers.enter(&user(0)).map(drop);
        assert_eq!(refused, Err(Full::Of(MAX_WATCHERS_EACH)));
        drop(places.pop());
        places.push(watchers.enter(&user(0)).expect("a place was left"));
        while places.len() < MAX_WATCHERS {
            let other = user(places.len());
            places.push(watchers.enter(&other).expect("a place"));
        }
        assert_eq!(watchers.enter(&user(999)).map(drop), Err(Full::All));
        drop(places);
        assert!(watchers.taken.lock().expect("no panic").is_empty());
    }
}
