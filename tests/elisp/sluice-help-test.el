;;; sluice-help-test.el --- Tests of sluice-help.el -*- lexical-binding: t; -*-

;; SPDX-License-Identifier: GPL-3.0-or-later

;;; Code:

(require 'ert)
(require 'sluice-help)

(ert-deftest sluice-help-test-page ()
  "Each command is listed with its key and what it does."
  (unwind-protect
      (progn
        (save-window-excursion (sluice-help))
        (with-current-buffer "*Sluice help*"
          (should (string-search "(global-set-key (kbd \"C-c g\") sluice-command-map)"
                                 (buffer-string)))
          (map-keymap
           (lambda (event command)
             (goto-char (point-min))
             (should (re-search-forward
                      (format "^%s  %s +[A-Z]" (regexp-quote (string event)) command) nil t)))
           sluice-command-map)))
    (kill-buffer "*Sluice help*")))

(ert-deftest sluice-help-test-languages ()
  "Each command of the map is told in the language of the person; one that is not ours by its documentation."
  (dolist (case '(("ko" . "[가-힣]") ("zh" . "[一-鿿]")))
    (let ((sluice-language (car case)))
      (pcase-dolist (`(,_ ,_ ,sentence) (sluice-help--rows))
        (should (string-match-p (cdr case) sentence)))
      (should (equal (sluice-help--sentence 'ignore)
                     (car (split-string (documentation 'ignore) "\n")))))))

(ert-deftest sluice-help-test-prefix ()
  "Where the map has a prefix key, that is named."
  (let ((global (current-global-map)))
    (should-not (sluice-help--prefix))
    (unwind-protect
        (progn (use-global-map (copy-keymap global))
               (global-set-key (kbd "C-x y") sluice-command-map)
               (should (equal "C-x y" (sluice-help--prefix))))
      (use-global-map global))))

(provide 'sluice-help-test)
;;; sluice-help-test.el ends here
