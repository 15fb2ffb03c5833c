//! "Did you mean …?" for names that do not exist.

/// Longest name that is compared, in characters.
const MAX_CHARS: usize = 128;

/// The sentence about a name that is not among the known ones: the most similar, or what there is.
pub(super) fn instead<'n>(name: &str, known: impl IntoIterator<Item = &'n str>) -> String {
    let mut known: Vec<&str> = known.into_iter().collect();
    known.sort_unstable();
    let nearest = known.iter().map(|candidate| (distance(name, candidate), *candidate)).min();
    match nearest {
        Some((distance, candidate)) if distance <= tolerance(name) => format!("did you mean {candidate}?"),
        Some(_) if known.len() <= 12 => format!("there are: {}", known.join(", ")),
        _ => "nothing there has a similar name".to_owned(),
    }
}

/// How many changes still make a slip of a name.
fn tolerance(name: &str) -> usize {
    (name.chars().count() / 3).clamp(1, 6)
}

/// Insertions, deletions, replacements and swaps of neighbours that lead from one name to the other; letter case
/// does not count.
fn distance(a: &str, b: &str) -> usize {
    let fold = |text: &str| text.chars().take(MAX_CHARS).flat_map(char::to_lowercase).collect::<Vec<char>>();
    let (a, b) = (fold(a), fold(b));
    let mut rows: Vec<Vec<usize>> = vec![(0..=b.len()).collect()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let replaced = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = replaced.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn similar_names_are_offered() {
        let known = ["MaintPriority", "NotificationText", "NotificationType"];
        let check = |name: &str, expect: &str| assert_eq!(instead(name, known), expect, "for {name}");
        check("NotificationTxet", "did you mean NotificationText?");
        check("notificationtext", "did you mean NotificationText?");
        check("Mantpriorty", "did you mean MaintPriority?");
        check("Colour", "there are: MaintPriority, NotificationText, NotificationType");
        assert_eq!(instead("x", []), "nothing there has a similar name");
    }
}
