/* SPDX-License-Identifier: ISC */
/* The resolver tree is configured, never built. */
