/* x86: what has to be known of an instruction to execute a copy of it elsewhere.
 *
 * Most instructions do not care where they stand. Those that do: memory operands that count from the instruction
 * pointer (the displacement is corrected), calls (the return address that they leave), and jumps, of which relative ones
 * go astray by as much as the copy, and absolute ones do not. Only prefixes, the opcode and the ModRM byte are
 * looked at (Intel SDM, volume 2, chapter 2 and appendix A). What has a 32-bit address size is not copied.
 */
#include <string.h>

#include "user/breaks.h"

struct cursor {
	const u8 *b;
	u32 i;
	bool has_rex_b, plain, addr32;
};

static bool is_prefix(u8 b)
{
	switch (b) {
	case 0x66:
	case 0x67:
	case 0xf2:
	case 0xf3:
	case 0x2e:
	case 0x36:
	case 0x3e:
	case 0x26:
	case 0x64:
	case 0x65:
	case 0xf0: return true;
	default: return false;
	}
}

static void skip_prefixes(struct cursor *c)
{
	c->plain = true;
	while (c->i < 14 && is_prefix(c->b[c->i])) {
		c->addr32 |= c->b[c->i] == 0x67;
		c->plain = false;
		c->i++;
	}
	if (c->i < 14 && (c->b[c->i] & 0xf0) == 0x40) {
		c->has_rex_b = c->b[c->i] & 1;
		c->i++;
	}
}

static bool one_byte_has_modrm(u8 op)
{
	if (op < 0x40)
		return (op & 7) < 4;
	switch (op) {
	case 0x62:
	case 0x63:
	case 0x69:
	case 0x6b:
	case 0xc0:
	case 0xc1:
	case 0xc6:
	case 0xc7:
	case 0xf6:
	case 0xf7:
	case 0xfe:
	case 0xff: return true;
	default: break;
	}
	return (op >= 0x80 && op <= 0x8f) || (op >= 0xd0 && op <= 0xd3) ||
	       (op >= 0xd8 && op <= 0xdf);
}

static bool two_byte_has_modrm(u8 op)
{
	if (op >= 0x30 && op <= 0x37)
		return false;
	if ((op >= 0x80 && op <= 0x8f) || (op >= 0xc8 && op <= 0xcf))
		return false;
	switch (op) {
	case 0x05:
	case 0x06:
	case 0x07:
	case 0x08:
	case 0x09:
	case 0x0b:
	case 0x77:
	case 0xa0:
	case 0xa1:
	case 0xa2:
	case 0xa8:
	case 0xa9:
	case 0xaa: return false;
	default: return true;
	}
}

static void look_at_modrm(struct cursor *c, u32 at, struct insn *out)
{
	if (at < 11 && (c->b[at] & 0xc7) == 0x05) {
		out->disp_at = (u8)(at + 1);
		out->in_place = c->addr32;
	}
}

/* mov between registers: 89 stores the register field, 8b loads it. */
static void move_of(const struct cursor *c, u8 op, struct insn *out)
{
	u8 modrm = c->b[c->i], rex = c->i > 1 ? c->b[c->i - 2] : 0;
	s8 field = (s8)((modrm >> 3 & 7) + (rex & 4 ? 8 : 0)),
	   rm = (s8)((modrm & 7) + (rex & 1 ? 8 : 0));

	out->to = op == 0x89 ? rm : field;
	out->from = op == 0x89 ? field : rm;
	out->is_wide = rex & 8;
	out->length = (u8)(c->i + 1);
}

static void one_byte(struct cursor *c, u8 op, struct insn *out)
{
	u8 ext = c->b[c->i] >> 3 & 7;

	if (op >= 0x50 && op <= 0x57 && c->plain) {
		out->push = (s8)((op & 7) + (c->has_rex_b ? 8 : 0));
		out->length = (u8)c->i;
	}
	if ((op == 0x89 || op == 0x8b) && c->plain && c->b[c->i] >= 0xc0)
		move_of(c, op, out);
	if (op == 0xe8 || (op == 0xff && (ext == 2 || ext == 3)))
		out->is_call = true;
	if (op == 0xc3 || op == 0xc2 || op == 0xca || op == 0xcb || op == 0xcf ||
	    (op == 0xff && ext >= 2 && ext <= 5))
		out->is_absolute = true;
	if (one_byte_has_modrm(op))
		look_at_modrm(c, c->i, out);
}

void insn_decode(const u8 bytes[16], struct insn *out)
{
	static const u8 endbr64[] = { 0xf3, 0x0f, 0x1e, 0xfa };
	struct cursor c = { .b = bytes };
	u8 op;

	*out = (struct insn){ .push = -1, .to = -1, .from = -1 };
	if (!memcmp(bytes, endbr64, sizeof(endbr64)))
		out->length = sizeof(endbr64);
	if (bytes[0] == 0x90)
		out->length = 1;
	memcpy(out->bytes, bytes, sizeof(out->bytes));
	skip_prefixes(&c);
	if (c.i > 10) {
		out->in_place = true;
		return;
	}
	op = bytes[c.i++];
	switch (op) {
	case 0xc5: look_at_modrm(&c, c.i + 2, out); return;
	case 0xc4: look_at_modrm(&c, c.i + 3, out); return;
	case 0x62: look_at_modrm(&c, c.i + 4, out); return;
	case 0x0f: break;
	default: one_byte(&c, op, out); return;
	}
	op = bytes[c.i++];
	if (op == 0x38 || op == 0x3a)
		c.i++;
	if (op == 0x38 || op == 0x3a || two_byte_has_modrm(op))
		look_at_modrm(&c, c.i, out);
}
