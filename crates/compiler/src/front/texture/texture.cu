// What a texture or surface instruction does, as device functions that the compiler adds to a kernel that
// has one. The descriptor is laid out as weft_isa::texture says; addressing, filtering and conversion are
// those of the CUDA C++ Programming Guide, "Texture Fetching".
//
//     nvcc -ptx -rdc=true -arch=compute_80 texture.cu -o texture.ptx

typedef unsigned int u32;
typedef unsigned long long u64;

struct Level {
    u64 address;
    u32 extent[3];
    u32 element_bytes;
    u64 row_pitch;
    u64 slice_pitch;
};

struct Descriptor {
    u32 kind;
    u32 shape;
    Level base;
    u32 channels;
    u32 channel_type;
    u32 flags;
    u32 levels;
    u32 address_modes[3];
    u32 max_anisotropy;
    u32 border[4];
    float level_bias;
    float level_min;
    float level_max;
    u32 reserved;
    const Level *level_table;
    u64 reserved_too;
};
static_assert(sizeof(Descriptor) == 128 && sizeof(Level) == 40, "the layout of weft_isa::texture");

enum { KIND_TEXTURE = 0x58455457, KIND_SURFACE = 0x46525357 };
enum { U8, U16, U32, S8, S16, S32, F16, F32 };
enum { WRAP, CLAMP, MIRROR, BORDER };
enum { NORMALIZED = 1, READ_NORMALIZED = 2, LINEAR = 4, LINEAR_LEVEL = 8, SRGB = 16 };

// Bits of `form`, as texture/mod.rs makes them: axes of a coordinate, then what else there is.
enum {
    AXES = 3,
    LAYERED = 4,
    CUBE = 8,
    INTEGER_COORDINATES = 16,
    FLOAT_RESULT = 32,
    WITH_LEVEL = 64,
    WITH_GRADIENTS = 128,
    GATHER = 256,
    COMPONENT_SHIFT = 9,
};

extern "C" __device__ __noinline__ float __weft_linear_of_srgb(float value) {
    return value <= 0.04045f ? value / 12.92f : powf((value + 0.055f) / 1.055f, 2.4f);
}

// One texel that is in range: four channels, converted as `floats` asks.
static __device__ __forceinline__ uint4 convert(const Descriptor *d, u64 address, bool floats) {
    u32 bits[4] = {0, 0, 0, floats ? __float_as_uint(1.0f) : 1};
    const u32 channels = d->channels;
    const bool normalized = floats && (d->flags & READ_NORMALIZED);
    float scale = 0.0f;
    bool is_signed = false;
    switch (d->channel_type) {
    case U8:
        for (u32 c = 0; c < 4; ++c)
            if (c < channels)
                bits[c] = ((const unsigned char *)address)[c];
        scale = 1.0f / 255.0f;
        break;
    case S8:
        for (u32 c = 0; c < 4; ++c)
            if (c < channels)
                bits[c] = (u32)(int)((const signed char *)address)[c];
        scale = 1.0f / 127.0f;
        is_signed = true;
        break;
    case U16:
        for (u32 c = 0; c < 4; ++c)
            if (c < channels)
                bits[c] = ((const unsigned short *)address)[c];
        scale = 1.0f / 65535.0f;
        break;
    case S16:
        for (u32 c = 0; c < 4; ++c)
            if (c < channels)
                bits[c] = (u32)(int)((const short *)address)[c];
        scale = 1.0f / 32767.0f;
        is_signed = true;
        break;
    case F16:
        for (u32 c = 0; c < 4; ++c)
            if (c < channels) {
                float wide;
                asm("cvt.f32.f16 %0, %1;" : "=f"(wide) : "h"(((const unsigned short *)address)[c]));
                bits[c] = __float_as_uint(wide);
            }
        break;
    default:
        for (u32 c = 0; c < 4; ++c)
            if (c < channels)
                bits[c] = ((const u32 *)address)[c];
    }
    if (normalized && scale != 0.0f)
        for (u32 c = 0; c < 4; ++c)
            if (c < channels) {
                float value = is_signed ? fmaxf((float)(int)bits[c] * scale, -1.0f) : (float)bits[c] * scale;
                if ((d->flags & SRGB) && c < 3)
                    value = __weft_linear_of_srgb(value);
                bits[c] = __float_as_uint(value);
            }
    return make_uint4(bits[0], bits[1], bits[2], bits[3]);
}

// An index along one axis as the address mode has it; false: it lies outside, which is the border.
static __device__ __forceinline__ bool address_index(u32 mode, bool normalized, int extent, int *index) {
    int i = *index;
    if (mode == BORDER)
        return i >= 0 && i < extent;
    if (normalized && mode == WRAP) {
        i %= extent;
        if (i < 0)
            i += extent;
    } else if (normalized && mode == MIRROR) {
        const int twice = 2 * extent;
        i %= twice;
        if (i < 0)
            i += twice;
        if (i >= extent)
            i = twice - 1 - i;
    } else {
        i = i < 0 ? 0 : i >= extent ? extent - 1 : i;
    }
    *index = i;
    return true;
}

extern "C" __device__ __noinline__ uint4 __weft_texel(const Descriptor *d, const Level *level, u32 axes, int x, int y, int z,
                                           u32 plane, bool floats) {
    const bool normalized = d->flags & NORMALIZED;
    bool inside = address_index(d->address_modes[0], normalized, level->extent[0], &x);
    if (axes > 1)
        inside &= address_index(d->address_modes[1], normalized, level->extent[1], &y);
    if (axes > 2)
        inside &= address_index(d->address_modes[2], normalized, level->extent[2], &z);
    if (!inside)
        return make_uint4(d->border[0], d->border[1], d->border[2], d->border[3]);
    const u64 row = axes > 1 ? y : 0;
    const u64 slice = axes > 2 ? z : plane;
    return convert(d, level->address + slice * level->slice_pitch + row * level->row_pitch + (u64)x * level->element_bytes,
                   floats);
}

// The fraction between two texels has eight bits.
static __device__ __forceinline__ float fraction(float x) {
    return rintf((x - floorf(x)) * 256.0f) * (1.0f / 256.0f);
}

static __device__ __forceinline__ u32 component(uint4 v, u32 c) {
    return c == 0 ? v.x : c == 1 ? v.y : c == 2 ? v.z : v.w;
}

extern "C" __device__ __noinline__ uint4 __weft_sample(const Descriptor *d, const Level *level, u32 form, float x, float y,
                                                  float z, u32 plane) {
    const u32 axes = form & AXES;
    const bool floats = form & FLOAT_RESULT;
    const bool gather = form & GATHER;
    if (d->flags & NORMALIZED) {
        x *= (float)level->extent[0];
        y *= (float)level->extent[1];
        z *= (float)level->extent[2];
    }
    const bool linear = gather || ((d->flags & LINEAR) && floats);
    if (!linear)
        return __weft_texel(d, level, axes, (int)floorf(x), (int)floorf(y), (int)floorf(z), plane, floats);
    x -= 0.5f;
    y -= 0.5f;
    z -= 0.5f;
    const float wx = fraction(x);
    const float wy = axes > 1 ? fraction(y) : 0.0f;
    const float wz = axes > 2 ? fraction(z) : 0.0f;
    float4 sum = make_float4(0.0f, 0.0f, 0.0f, 0.0f);
    uint4 gathered = make_uint4(0, 0, 0, 0);
#pragma unroll 1
    for (u32 corner = 0; corner < (1u << axes); ++corner) {
        const u32 cx = corner & 1, cy = corner >> 1 & 1, cz = corner >> 2;
        const uint4 bits =
            __weft_texel(d, level, axes, (int)floorf(x) + cx, (int)floorf(y) + cy, (int)floorf(z) + cz, plane, floats);
        if (gather) {
            // Counter-clockwise from the lower left: (0, 1), (1, 1), (1, 0), (0, 0).
            const u32 value = component(bits, form >> COMPONENT_SHIFT & 3);
            if (corner == 0)
                gathered.w = value;
            else if (corner == 1)
                gathered.z = value;
            else if (corner == 2)
                gathered.x = value;
            else
                gathered.y = value;
        }
        const float share = (cx ? wx : 1.0f - wx) * (cy ? wy : 1.0f - wy) * (cz ? wz : 1.0f - wz);
        sum.x = fmaf(share, __uint_as_float(bits.x), sum.x);
        sum.y = fmaf(share, __uint_as_float(bits.y), sum.y);
        sum.z = fmaf(share, __uint_as_float(bits.z), sum.z);
        sum.w = fmaf(share, __uint_as_float(bits.w), sum.w);
    }
    if (gather)
        return gathered;
    return make_uint4(__float_as_uint(sum.x), __float_as_uint(sum.y), __float_as_uint(sum.z), __float_as_uint(sum.w));
}

// The face that a direction points to, and the place on it.
static __device__ __forceinline__ u32 cube_face(const float r[3], float place[3]) {
    const float x = fabsf(r[0]), y = fabsf(r[1]), z = fabsf(r[2]);
    u32 face;
    float major, s, t;
    if (x >= y && x >= z) {
        face = r[0] >= 0.0f ? 0 : 1;
        major = x;
        s = face == 0 ? -r[2] : r[2];
        t = -r[1];
    } else if (y >= z) {
        face = r[1] >= 0.0f ? 2 : 3;
        major = y;
        s = r[0];
        t = face == 2 ? r[2] : -r[2];
    } else {
        face = r[2] >= 0.0f ? 4 : 5;
        major = z;
        s = face == 4 ? r[0] : -r[0];
        t = -r[1];
    }
    place[0] = (s / major + 1.0f) * 0.5f;
    place[1] = (t / major + 1.0f) * 0.5f;
    place[2] = 0.0f;
    return face;
}

static __device__ __forceinline__ const Level *level_at(const Descriptor *d, int level) {
    return d->level_table ? d->level_table + level : &d->base;
}

static __device__ __forceinline__ u32 mix(u32 a, u32 b, float share) {
    return __float_as_uint(__uint_as_float(a) * (1.0f - share) + __uint_as_float(b) * share);
}

// `tex` and `tld4`: coordinates are floats or integers as `form` says, `layer` counts from 0, `lod` is the level, or
// what `__weft_texture_gradient` makes of gradients.
extern "C" __device__ uint4 __weft_texture(const Descriptor *d, u32 form, u32 x, u32 y, u32 z, u32 layer, float lod) {
    if (d->kind != KIND_TEXTURE)
        __trap();
    const u32 axes = form & AXES;
    const bool floats = form & FLOAT_RESULT;
    u32 plane = 0;
    if (form & LAYERED) {
        const u32 layers = form & CUBE ? d->base.extent[2] / 6 : d->base.extent[2];
        plane = min(layer, layers - 1);
    }
    if (form & INTEGER_COORDINATES) {
        const int level = (form & WITH_LEVEL) ? min(max((int)lod, 0), (int)d->levels - 1) : 0;
        const Level *base = level_at(d, level);
        // An index beyond linear memory reads zeros.
        if (d->shape == 0 && x >= base->extent[0])
            return make_uint4(0, 0, 0, 0);
        return __weft_texel(d, base, axes, (int)x, (int)y, (int)z, plane, floats);
    }
    float place[3] = {__uint_as_float(x), __uint_as_float(y), __uint_as_float(z)};
    if (form & CUBE) {
        const float direction[3] = {place[0], place[1], place[2]};
        plane = plane * 6 + cube_face(direction, place);
    }
    float level = 0.0f;
    if (d->levels > 1) {
        level = (form & (WITH_LEVEL | WITH_GRADIENTS)) ? lod : 0.0f;
        level = fminf(fmaxf(level + d->level_bias, d->level_min), d->level_max);
        level = fminf(fmaxf(level, 0.0f), (float)(d->levels - 1));
    }
    const bool between = floats && (d->flags & LINEAR_LEVEL) && d->levels > 1;
    const int lower = between ? (int)floorf(level) : (int)rintf(level);
    const float share = between ? fraction(level) : 0.0f;
    uint4 out = make_uint4(0, 0, 0, 0);
#pragma unroll 1
    for (int step = 0; step < 2; ++step) {
        if (step == 1 && !(share > 0.0f && lower + 1 < (int)d->levels))
            break;
        const uint4 found = __weft_sample(d, level_at(d, lower + step), form, place[0], place[1], place[2], plane);
        if (step == 0)
            out = found;
        else
            out = make_uint4(mix(out.x, found.x, share), mix(out.y, found.y, share), mix(out.z, found.z, share),
                             mix(out.w, found.w, share));
    }
    return out;
}

// The level at which steps of these lengths, in texels of level 0 if coordinates are normalized, are one texel.
extern "C" __device__ float __weft_texture_gradient(const Descriptor *d, u32 axes, float ax, float ay, float az, float bx,
                                                  float by, float bz) {
    const float a[3] = {ax, ay, az}, b[3] = {bx, by, bz};
    float along_a = 0.0f, along_b = 0.0f;
    for (u32 axis = 0; axis < axes; ++axis) {
        const float scale = (d->flags & NORMALIZED) ? (float)d->base.extent[axis] : 1.0f;
        along_a = fmaf(a[axis] * scale, a[axis] * scale, along_a);
        along_b = fmaf(b[axis] * scale, b[axis] * scale, along_b);
    }
    return 0.5f * log2f(fmaxf(along_a, along_b));
}

// Where a surface instruction of `bytes` bytes goes: x is in bytes, `plane` a layer. 0: it is outside. `clamp`:
// the nearest place instead.
extern "C" __device__ u64 __weft_surface(const Descriptor *d, u32 form, int x, int y, int z, u32 layer, u32 bytes, u32 clamp) {
    if (d->kind != KIND_SURFACE && d->kind != KIND_TEXTURE)
        __trap();
    const u32 axes = form & AXES;
    const int width = (int)(d->base.extent[0] * d->base.element_bytes);
    int at[3] = {x, y, z};
    const int extent[3] = {width - (int)bytes + 1, (int)d->base.extent[1], (int)d->base.extent[2]};
    bool inside = true;
    for (u32 axis = 0; axis < axes; ++axis) {
        inside &= at[axis] >= 0 && at[axis] < extent[axis];
        if (clamp)
            at[axis] = min(max(at[axis], 0), extent[axis] - 1);
    }
    const u64 plane = axes > 2 ? (u64)at[2] : form & LAYERED ? (u64)layer : 0;
    if (form & LAYERED)
        inside &= layer < d->base.extent[2];
    if (!inside && !clamp)
        return 0;
    return d->base.address + plane * d->base.slice_pitch + (axes > 1 ? (u64)at[1] : 0) * d->base.row_pitch + (u64)at[0];
}
