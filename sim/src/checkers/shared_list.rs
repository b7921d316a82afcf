//! A list that many worlds share: what a fork copies when it first writes is its last few elements, however long it is.
//!
//! Elements stand in closed chunks of `CHUNK`, which never change and are shared, and an open one at the end. Nearly
//! everything that checkers remember grows at its end, and is looked up by binary search.

use std::sync::Arc;

/// Elements in a closed chunk, and at most as many in the open one.
const CHUNK: usize = 64;

/// A list that grows and shrinks at its end.
#[derive(Clone, Debug)]
pub struct SharedList<T> {
    /// Chunks of exactly [`CHUNK`] elements.
    closed: Arc<Vec<Arc<[T]>>>,
    /// How many elements stand in them: at hand here, since nearly every question is about the open chunk alone.
    before: usize,
    /// The last elements: none only if the list is empty.
    open: Arc<Vec<T>>,
}

impl<T> Default for SharedList<T> {
    fn default() -> Self {
        SharedList { closed: Arc::default(), before: 0, open: Arc::default() }
    }
}

impl<T: Clone> SharedList<T> {
    /// How many elements there are.
    pub fn len(&self) -> usize {
        self.before + self.open.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// The element of this number.
    pub fn get(&self, index: usize) -> Option<&T> {
        match index.checked_sub(self.before) {
            Some(place) => self.open.get(place),
            None => Some(&self.closed[index / CHUNK][index % CHUNK]),
        }
    }

    /// The element of this number, to be changed; what other worlds share is copied first.
    pub fn get_mut(&mut self, index: usize) -> Option<&mut T> {
        if index >= self.before {
            return Arc::make_mut(&mut self.open).get_mut(index - self.before);
        }
        let chunk = &mut Arc::make_mut(&mut self.closed)[index / CHUNK];
        Some(&mut Arc::make_mut(chunk)[index % CHUNK])
    }

    /// The last element.
    pub fn last(&self) -> Option<&T> {
        self.open.last()
    }

    /// All elements.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &T> + Clone {
        self.closed.iter().flat_map(|chunk| chunk.iter()).chain(self.open.iter())
    }

    /// The elements from this number on.
    pub fn iter_from(&self, index: usize) -> impl Iterator<Item = &T> + Clone {
        let (closed, skipped) = match index.checked_sub(self.before) {
            Some(place) => (&[][..], place.min(self.open.len())),
            None => (&self.closed[index / CHUNK..], 0),
        };
        let of_first = if closed.is_empty() { 0 } else { index % CHUNK };
        closed.iter().flat_map(|chunk| chunk.iter()).skip(of_first).chain(&self.open[skipped..])
    }

    /// The number of the first element for which `before` is false; it is true for all elements before that one.
    pub fn partition_point(&self, mut before: impl FnMut(&T) -> bool) -> usize {
        // What is looked for is nearly always at the very end.
        let mut open = &self.open[..];
        for _ in 0..4 {
            match open.split_last() {
                Some((last, others)) if !before(last) => open = others,
                Some(_) => return self.before + open.len(),
                None => break,
            }
        }
        if self.closed.last().is_none_or(|chunk| before(&chunk[CHUNK - 1])) {
            return self.before + open.partition_point(before);
        }
        let chunk = self.closed.partition_point(|chunk| before(&chunk[CHUNK - 1]));
        chunk * CHUNK + self.closed[chunk].partition_point(before)
    }

    /// Adds an element at the end.
    pub fn push(&mut self, element: T) {
        let open = Arc::make_mut(&mut self.open);
        if open.len() == CHUNK {
            Arc::make_mut(&mut self.closed).push(open.drain(..).collect());
            self.before += CHUNK;
        }
        open.push(element);
    }

    /// Keeps the first `length` elements.
    pub fn truncate(&mut self, length: usize) {
        if length >= self.len() {
            return;
        }
        if length > self.before || self.before == 0 {
            Arc::make_mut(&mut self.open).truncate(length - self.before);
            return;
        }
        // The open chunk is empty only if the list is.
        let chunks = length.saturating_sub(1) / CHUNK;
        let closed = Arc::make_mut(&mut self.closed);
        let open = closed[chunks][..length - chunks * CHUNK].to_vec();
        closed.truncate(chunks);
        self.before = chunks * CHUNK;
        self.open = Arc::new(open);
    }

    /// Takes away the elements from this number on.
    pub fn split_off(&mut self, index: usize) -> Vec<T> {
        if index >= self.len() {
            return Vec::new();
        }
        let gone = self.iter_from(index).cloned().collect();
        self.truncate(index);
        gone
    }

    /// Takes away the first `count` elements. Copies the rest.
    pub fn drop_front(&mut self, count: usize) {
        if count > 0 {
            *self = self.iter_from(count).cloned().collect();
        }
    }

    /// Puts an element before the one of this number; what follows is moved.
    pub fn insert(&mut self, index: usize, element: T) {
        let after = self.split_off(index);
        self.push(element);
        self.extend(after);
    }

    /// Puts another element in the place of this one.
    pub fn replace(&mut self, index: usize, element: T) {
        let after = self.split_off(index);
        self.push(element);
        self.extend(after.into_iter().skip(1));
    }
}

impl<T: Clone> Extend<T> for SharedList<T> {
    fn extend<I: IntoIterator<Item = T>>(&mut self, elements: I) {
        elements.into_iter().for_each(|element| self.push(element));
    }
}

impl<T: Clone> FromIterator<T> for SharedList<T> {
    fn from_iter<I: IntoIterator<Item = T>>(elements: I) -> Self {
        let mut list = SharedList::default();
        list.extend(elements);
        list
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::entropy::mix;

    #[test]
    fn it_is_a_list_however_long() {
        let (mut list, mut model) = (SharedList::default(), Vec::new());
        let mut forks = Vec::new();
        for step in 0..4000_u64 {
            let draw = mix(step);
            let place = (draw >> 8) as usize % (model.len() + 1);
            match draw % 24 {
                0 => {
                    assert_eq!(list.split_off(place), model.split_off(place));
                }
                1 => {
                    list.truncate(place);
                    model.truncate(place);
                }
                2 => {
                    list.insert(place, step * 2);
                    model.insert(place, step * 2);
                }
                3 if place < model.len() => {
                    list.replace(place, step);
                    model[place] = step;
                }
                4 if step % 5 == 0 => {
                    list.drop_front(place);
                    model.drain(..place);
                }
                6 if place < model.len() => {
                    *list.get_mut(place).unwrap() = step;
                    model[place] = step;
                }
                5 => forks.push((list.clone(), model.clone())),
                _ => {
                    for more in 0..(draw >> 40) % 40 {
                        list.push(step + more);
                        model.push(step + more);
                    }
                }
            }
            assert_eq!(
                (list.len(), list.last(), list.is_empty()),
                (model.len(), model.last(), model.is_empty())
            );
            assert_eq!(list.get(place), model.get(place));
            if step % 16 == 0 {
                assert!(list.iter().eq(model.iter()) && list.iter().rev().eq(model.iter().rev()));
                assert!(list.iter_from(place).eq(model.iter().skip(place)));
            }
        }
        for (fork, model) in forks {
            assert!(fork.iter().eq(model.iter()), "a fork stays as it was");
        }
    }

    #[test]
    fn elements_are_found() {
        for length in [0_usize, 1, 63, 64, 65, 128, 129, 500] {
            let list: SharedList<usize> = (0..length).map(|number| number * 2).collect();
            for sought in 0..length * 2 + 2 {
                let place = list.partition_point(|element| *element < sought);
                assert_eq!(place, sought.div_ceil(2).min(length), "{sought} of {length}");
            }
        }
    }
}
