// Package spelling finds the word that a misspelt one is likely to be.
package spelling

// mostSlips is how many slips of the hand make a word another one at most, and a third of its length: beyond that it is no slip.
const mostSlips = 3

// Nearest is the word that a misspelt one is likely to be; nothing, when it takes too many slips to make one of the others of it.
func Nearest(word string, known []string) (meant string) {
	least := min(mostSlips, len(word)/3) + 1
	for _, k := range known {
		if d := distance(word, k); d < least {
			meant, least = k, d
		}
	}
	return meant
}

// Ask asks, after a sentence, whether another word was meant; nothing, when none is near.
func Ask(word string, known []string) string {
	if meant := Nearest(word, known); meant != "" {
		return " Is " + meant + " meant?"
	}
	return ""
}

// distance is how many characters have to be inserted, taken out or changed, or neighbours swapped, to make b of a.
func distance(a, b string) int {
	rows := make([][]int, len(a)+1) // from the first i characters of a to the first j of b
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range b {
		rows[0][j+1] = j + 1
	}
	for i := range len(a) {
		for j := range len(b) {
			changed := rows[i][j]
			if a[i] != b[j] {
				changed++
			}
			rows[i+1][j+1] = min(changed, rows[i][j+1]+1, rows[i+1][j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				rows[i+1][j+1] = min(rows[i+1][j+1], rows[i-1][j-1]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}
