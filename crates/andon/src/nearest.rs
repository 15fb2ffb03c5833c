//! "Did you mean …": the known name that is nearest to one that is not known.

/// Longest name that is compared, in characters.
const MAX_CHARS: usize = 128;

/// The known name that `name` most probably stands for; `None` when none is near.
///
/// Near is a name of which one is the beginning of the other, without regard to case, or that is at most a third of its
/// characters away.
pub(crate) fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let near = known.filter_map(|other| Some((distance_if_near(name, other)?, other)));
    near.min().map(|(_, other)| other)
}

fn distance_if_near(name: &str, other: &str) -> Option<usize> {
    let (name, other) = (characters(name), characters(other));
    let distance = distance(&name, &other);
    let is_beginning = name.starts_with(&other) || other.starts_with(&name);
    (is_beginning || distance <= name.len().max(other.len()) / 3).then_some(distance)
}

fn characters(text: &str) -> Vec<char> {
    text.chars().flat_map(char::to_lowercase).take(MAX_CHARS).collect()
}

/// How many characters have to be added, left out or replaced (Levenshtein).
fn distance(a: &[char], b: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, expect: Option<&str>) {
        assert_eq!(nearest(name, ["equipment", "plants", "functional-locations"].into_iter()), expect, "for {name:?}");
    }

    #[test]
    fn near_names_are_found() {
        check("eq", Some("equipment"));
        check("Equipment", Some("equipment"));
        check("equipments", Some("equipment"));
        check("equipmnet", Some("equipment"));
        check("plant", Some("plants"));
        check("materials", None);
        check("", Some("plants"));
        check("x", None);
    }

    #[test]
    fn distances_are_symmetric() {
        let chars = |text: &str| text.chars().collect::<Vec<_>>();
        for (a, b, expect) in [("", "abc", 3), ("abc", "abc", 0), ("kitten", "sitting", 3), ("ab", "ba", 2)] {
            assert_eq!((distance(&chars(a), &chars(b)), distance(&chars(b), &chars(a))), (expect, expect), "{a} {b}");
        }
    }
}
