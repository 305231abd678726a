//! The one TCP option that connection state needs.

/// Largest shift of a window (RFC 7323, section 2.3).
pub(crate) const MAX_WINDOW_SCALE: u8 = 14;

const END: u8 = 0;
const NO_OPERATION: u8 = 1;
const WINDOW_SCALE: u8 = 3;

/// The shift of the window scale option (RFC 7323, section 2.2), as sent, if the options have one.
pub(crate) fn window_scale(mut options: &[u8]) -> Option<u8> {
    let mut scale = None;
    loop {
        match options {
            [END, ..] | [] => return scale,
            [NO_OPERATION, rest @ ..] => options = rest,
            [kind, len, ..] => {
                let len = usize::from(*len);
                let (Some(option), Some(rest)) = (options.get(..len), options.get(len..)) else {
                    return scale;
                };
                if len == 0 {
                    return scale;
                }
                if let (WINDOW_SCALE, Some(shift)) = (*kind, option.get(2)) {
                    scale = Some(*shift);
                }
                options = rest;
            }
            [_] => return scale,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scale_is_found_among_others_and_damage_ends_the_search() {
        assert_eq!(window_scale(&[2, 4, 5, 0xb4, 1, 3, 3, 7]), Some(7));
        assert_eq!(window_scale(&[1, 1, 0, 3, 3, 7]), None);
        assert_eq!(window_scale(&[3, 2]), None);
        assert_eq!(window_scale(&[5, 0, 3, 3, 7]), None);
        assert_eq!(window_scale(&[3, 3]), None);
        assert_eq!(window_scale(&[3]), None);
    }
}
