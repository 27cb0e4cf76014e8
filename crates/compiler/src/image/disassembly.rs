//! Images as assembly text.

use super::Image;
use std::fmt::Write as _;

impl Image {
    /// The code as assembly, with function labels and a comment where the PTX line changes.
    /// Branch targets are shown as the offsets that the instructions hold.
    #[must_use]
    pub fn disassemble(&self) -> String {
        let mut text = String::new();
        let mut lines = self.lines.iter().peekable();
        for (index, bytes) in self.code.chunks(4).enumerate() {
            let offset = index as u64 * 4;
            for function in self.functions.iter().filter(|f| f.offset == offset) {
                let [x, f, v] = function.registers;
                let _ = writeln!(
                    text,
                    "\n{}:  # {} bytes, {x} x, {f} f, {v} v registers, {} spills",
                    function.name, function.bytes, function.spills
                );
            }
            while let Some(line) = lines.next_if(|line| line.offset <= offset) {
                if line.location.ptx_line != 0 {
                    let _ = writeln!(text, "    # ptx line {}", line.location.ptx_line);
                }
            }
            let word = <[u8; 4]>::try_from(bytes).map_or(0, u32::from_le_bytes);
            let _ = match weft_isa::decode(word) {
                Some(inst) => writeln!(text, "{offset:6x}:  {word:08x}  {inst}"),
                None => writeln!(text, "{offset:6x}:  {word:08x}  .word {word:#x}"),
            };
        }
        text
    }
}
