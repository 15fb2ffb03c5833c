//! Numbers that look like chance and are the same each time.

/// A generator; its seed is the number within.
pub(crate) struct Dice(pub u64);

impl Dice {
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("31 bits") % bound.max(1)
    }

    pub(crate) fn pick<'a, T>(&mut self, things: &'a [T]) -> &'a T {
        &things[self.below(things.len())]
    }
}

/// So many attempts, or as many times that as the environment says.
pub(crate) fn many(attempts: usize) -> usize {
    let times = std::env::var("ANDON_ATTEMPTS").map_or(1, |text| text.parse().expect("a number"));
    attempts * times
}
