/* SPDX-License-Identifier: ISC */
/* Its presence is all the resolver looks for. */
