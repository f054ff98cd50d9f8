/* SPDX-License-Identifier: ISC */
/* test/xen-fake/fake_tree.c - the tree of keys. Each has a value, perhaps empty, and keys below. */
#include <stdlib.h>

#include "fake_impl.h"

struct fake_node *fake_tree_new(void)
{
    struct fake_node *root = fake_alloc(sizeof(*root));
    root->name = fake_text("", 0);
    root->value = fake_text("", 0);
    return root;
}

struct fake_node *fake_tree_copy(const struct fake_node *from, struct fake_node *parent)
{
    struct fake_node *node = fake_alloc(sizeof(*node)), **end = &node->child;
    node->name = fake_text(from->name, strlen(from->name));
    node->value = fake_text(from->value, from->len);
    node->len = from->len;
    node->parent = parent;
    for (const struct fake_node *child = from->child; child; child = child->next) {
        *end = fake_tree_copy(child, node);
        end = &(*end)->next;
    }
    return node;
}

void fake_tree_free(struct fake_node *node)
{
    if (!node)
        return;
    while (node->child) {
        struct fake_node *child = node->child;
        node->child = child->next;
        fake_tree_free(child);
    }
    free(node->name);
    free(node->value);
    free(node);
}

/* Walks one name of the path; the rest of it in *path. */
static struct fake_node *tree_step(struct fake_node *node, const char **path, bool make)
{
    const char *name = *path + strspn(*path, "/");
    size_t len = strcspn(name, "/");
    struct fake_node **at = &node->child;
    *path = name + len;
    if (len == 0)
        return node;
    while (*at && (strlen((*at)->name) != len || memcmp((*at)->name, name, len) != 0))
        at = &(*at)->next;
    if (!*at && make) {
        *at = fake_alloc(sizeof(**at));
        (*at)->name = fake_text(name, len);
        (*at)->value = fake_text("", 0);
        (*at)->parent = node;
    }
    return *at;
}

struct fake_node *fake_tree_find(struct fake_node *root, const char *path)
{
    struct fake_node *node = root;
    while (node && *path)
        node = tree_step(node, &path, false);
    return node;
}

void fake_tree_write(struct fake_node *root, const char *path, const void *value, size_t len)
{
    struct fake_node *node = root;
    while (*path)
        node = tree_step(node, &path, true);
    free(node->value);
    node->value = fake_text(value, len);
    node->len = len;
}

bool fake_tree_remove(struct fake_node *root, const char *path)
{
    struct fake_node *node = fake_tree_find(root, path);
    if (!node || !node->parent)
        return false;
    struct fake_node **at = &node->parent->child;
    while (*at != node)
        at = &(*at)->next;
    *at = node->next;
    fake_tree_free(node);
    return true;
}
