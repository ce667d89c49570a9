// Package plural chooses between the singular and the plural of a text.
package plural
